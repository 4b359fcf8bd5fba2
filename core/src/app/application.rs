//! The application: every function, its trigger, and the resources that they share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tower_layer::Layer;
use tower_service::Service;

use super::batch::{Batch, Outcomes, outcome_of};
use super::context::Context;
use super::dispatch::{Event, Functions, Reply};
use super::function::{Registered, Source};
use super::handler::Handler;
use super::handler_error::{HandlerError, HandlerResult};
use super::manifest::Manifest;
use super::message::{EventOptions, Message, MessageTrigger};
use super::middleware::{Call, Next, around};
use super::mount::{FunctionService, service_call};
use super::resources::{Declaration, Opener, Ref, Resources};
use crate::blob::Bucket;
use crate::body::Body;
use crate::codec::Decode;
use crate::event::{BlobChange, BlobEvent, ScheduleEvent};
use crate::http::{IntoResponse, Request, Route, Router};
use crate::schedule::Schedule;
use crate::{BoxError, Error, Result};

/// An application: functions, what triggers them, and the resources of type `R` that they share.
///
/// Building it cannot fail. What is wrong with it (a bad schedule, a name that stands twice, routes that overlap) is
/// collected and reported together, when it is run, tested, or asked for its [`manifest`](Self::manifest).
///
/// ```
/// use skyport_core::app::{App, Context, HandlerResult};
/// use skyport_core::http::{Request, Response, route};
///
/// async fn hello(request: Request, _: Context<()>) -> HandlerResult<Response> {
///     Ok(Response::text(format!("Hello, {}!", request.path_param::<String>("name")?)))
/// }
///
/// let app = App::<()>::new("hello").http("hello", route::get("/{name}"), hello);
/// assert_eq!(app.manifest()?.functions.len(), 1);
/// # Ok::<(), skyport_core::Error>(())
/// ```
#[must_use]
pub struct App<R> {
    name: String,
    functions: Vec<Registered<R>>,
    faults: Vec<String>,
}

impl<R: Resources> App<R> {
    /// An application without functions.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), functions: Vec::new(), faults: Vec::new() }
    }

    fn register(mut self, name: &str, source: Source<R>, options: EventOptions, call: Call<R>) -> Self {
        self.functions.push(Registered { name: name.to_owned(), source, options, call });
        self
    }

    /// Answers the requests of a route: `async fn(Request, Context<R>) -> Result<impl IntoResponse>`.
    pub fn http<H>(self, name: &str, route: Route, handler: H) -> Self
    where
        H: Handler<R, Request>,
        H::Output: IntoResponse,
        H::Future: Send,
    {
        let call: Call<R> = Arc::new(move |event, context| {
            let handler = handler.clone();
            Box::pin(async move {
                let response = handler.call(event.into_http()?, context).await?;
                Ok(Reply::Http(response.into_response()?))
            })
        });
        self.register(name, Source::Http(route), EventOptions::default(), call)
    }

    /// Handles a queue's messages one by one: `async fn(Message<T>, Context<R>) -> Result<()>`.
    ///
    /// `Ok` acknowledges; an error comes again with backoff, up to the queue's `max_attempts`; a fatal one, and a body
    /// that is no `T`, goes to the dead letters.
    pub fn on_message<T, C, H>(
        self,
        name: &str,
        trigger: impl Into<MessageTrigger<R, T, C>>,
        handler: H,
    ) -> Self
    where
        T: Send + 'static,
        C: Decode<T>,
        H: Handler<R, Message<T>, Output = ()>,
        H::Future: Send,
    {
        let trigger = trigger.into();
        let queue = trigger.queue;
        let call: Call<R> = Arc::new(move |event, context| {
            let handler = handler.clone();
            let foreign = queue.of(&context).port().info().settings.foreign;
            Box::pin(async move {
                // What cannot be decoded now never will be.
                let message =
                    Message::decode::<C>(event.into_message()?, foreign).map_err(HandlerError::fatal)?;
                Ok(Reply::Outcomes(vec![outcome_of(handler.call(message, context).await)]))
            })
        });
        self.register_queue(name, trigger, false, call)
    }

    /// Handles a queue's messages several at a time: `async fn(Batch<T>, Context<R>) -> Result<Outcomes>`.
    ///
    /// Only what failed comes back. An error of the whole handler fails every message.
    pub fn on_batch<T, C, H>(
        self,
        name: &str,
        trigger: impl Into<MessageTrigger<R, T, C>>,
        handler: H,
    ) -> Self
    where
        T: Send + 'static,
        C: Decode<T>,
        H: Handler<R, Batch<T>, Output = Outcomes>,
        H::Future: Send,
    {
        let trigger = trigger.into();
        let queue = trigger.queue;
        let call: Call<R> = Arc::new(move |event, context| {
            let handler = handler.clone();
            let foreign = queue.of(&context).port().info().settings.foreign;
            Box::pin(async move {
                let batch = Batch::decode::<C>(event.into_messages()?, foreign);
                Ok(Reply::Outcomes(handler.call(batch, context).await?.into_vec()))
            })
        });
        self.register_queue(name, trigger, true, call)
    }

    fn register_queue<T, C>(
        self,
        name: &str,
        trigger: MessageTrigger<R, T, C>,
        batch: bool,
        call: Call<R>,
    ) -> Self
    where
        T: 'static,
        C: 'static,
    {
        let MessageTrigger { queue, options } = trigger;
        let source = Source::Queue {
            name: queue.name(),
            queue: Arc::new(move |resources| Arc::clone(queue.of(resources).port())),
            batch,
        };
        self.register(name, source, options, call)
    }

    /// Runs when an object was created or overwritten: `async fn(BlobEvent, Context<R>) -> Result<()>`.
    pub fn on_blob_created<H>(self, name: &str, bucket: Ref<R, Bucket>, handler: H) -> Self
    where
        H: Handler<R, BlobEvent, Output = ()>,
        H::Future: Send,
    {
        self.on_blob(name, bucket, BlobChange::Created, handler)
    }

    /// Runs when an object was deleted and no live one remains: `async fn(BlobEvent, Context<R>) -> Result<()>`.
    pub fn on_blob_deleted<H>(self, name: &str, bucket: Ref<R, Bucket>, handler: H) -> Self
    where
        H: Handler<R, BlobEvent, Output = ()>,
        H::Future: Send,
    {
        self.on_blob(name, bucket, BlobChange::Deleted, handler)
    }

    fn on_blob<H>(self, name: &str, bucket: Ref<R, Bucket>, change: BlobChange, handler: H) -> Self
    where
        H: Handler<R, BlobEvent, Output = ()>,
        H::Future: Send,
    {
        let call: Call<R> = Arc::new(move |event, context| {
            let handler = handler.clone();
            Box::pin(async move {
                let event = event.into_blob()?;
                Ok(Reply::Outcomes(vec![outcome_of(handler.call(event, context).await)]))
            })
        });
        self.register(name, Source::Blob { bucket, change }, EventOptions::default(), call)
    }

    /// Runs at the times of a schedule, five fields in UTC: `async fn(ScheduleEvent, Context<R>) -> Result<()>`.
    pub fn on_schedule<H>(mut self, name: &str, schedule: &str, handler: H) -> Self
    where
        H: Handler<R, ScheduleEvent, Output = ()>,
        H::Future: Send,
    {
        let schedule: Schedule = match schedule.parse() {
            Ok(schedule) => schedule,
            Err(error) => {
                self.faults.push(format!("function `{name}`: {}", error.message()));
                return self;
            }
        };
        let call: Call<R> = Arc::new(move |event, context| {
            let handler = handler.clone();
            Box::pin(async move {
                let event = event.into_schedule()?;
                Ok(Reply::Outcomes(vec![outcome_of(handler.call(event, context).await)]))
            })
        });
        self.register(name, Source::Schedule(schedule), EventOptions::default(), call)
    }

    /// Mounts a tower service, such as an axum `Router`, under a path: it answers that path and all below it, sees the
    /// whole path, and finds the [`Context`] among the request's extensions. Its bodies are not limited here: it sets
    /// limits of its own.
    pub fn mount<S, B>(self, name: &str, path: &str, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        self.register(name, Source::Mount(path.to_owned()), EventOptions::default(), service_call(service))
    }

    /// Puts middleware around every function registered so far:
    /// `async fn(Event, Context<R>, Next<R>) -> Result<Reply>`. The last one put is the outermost.
    ///
    /// ```
    /// use skyport_core::app::{App, Context, Event, HandlerResult, Next, Reply};
    ///
    /// async fn timed(event: Event, cx: Context<()>, next: Next<()>) -> HandlerResult<Reply> {
    ///     let (function, began) = (cx.invocation().function.clone(), std::time::Instant::now());
    ///     let reply = next.run(event, cx).await;
    ///     println!("{function} took {:?}", began.elapsed());
    ///     reply
    /// }
    ///
    /// let app = App::<()>::new("timed").wrap(timed);
    /// # assert!(app.manifest().is_ok());
    /// ```
    pub fn wrap<F, Fut>(mut self, middleware: F) -> Self
    where
        F: Fn(Event, Context<R>, Next<R>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = HandlerResult<Reply>> + Send + 'static,
    {
        for function in &mut self.functions {
            function.call = around(Arc::clone(&function.call), middleware.clone());
        }
        self
    }

    /// Puts a tower layer around every HTTP function registered so far. A handler's error passes through it as a std
    /// error and means the same outside.
    pub fn layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<FunctionService<R>>,
        L::Service: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
        <L::Service as Service<http::Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<http::Request<Body>>>::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        for function in self.functions.iter_mut().filter(|function| function.is_http()) {
            function.call = service_call(layer.layer(FunctionService(Arc::clone(&function.call))));
        }
        self
    }

    /// Adds all functions of another application with the same resources: for applications of several modules.
    pub fn merge(mut self, other: Self) -> Self {
        self.functions.extend(other.functions);
        self.faults.extend(other.faults);
        self
    }

    /// The application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Functions, triggers and resources as data.
    ///
    /// # Errors
    /// `InvalidArgument` that lists everything that is wrong with the application.
    pub fn manifest(&self) -> Result<Manifest> {
        let mut faults = self.faults.clone();
        let resources = match R::declarations() {
            Ok(resources) => resources,
            Err(error) => {
                faults.push(error.message().to_owned());
                Vec::new()
            }
        };
        faults.extend(name_faults(&self.name, &self.functions, &resources));
        if let Err(more) = self.router() {
            faults.extend(more);
        }
        if faults.is_empty() {
            let functions = self.functions.iter().map(Registered::manifest).collect();
            return Ok(Manifest { application: self.name.clone(), functions, resources });
        }
        Err(Error::invalid(format!("the application `{}` cannot run: {}", self.name, faults.join("; "))))
    }

    fn router(&self) -> Result<Router, Vec<String>> {
        let mut router = Router::default();
        let mut faults = Vec::new();
        for (index, function) in self.functions.iter().enumerate() {
            let routes = match &function.source {
                Source::Http(route) => vec![route.clone()],
                Source::Mount(path) => {
                    let base = path.trim_end_matches('/');
                    let own = if base.is_empty() { "/" } else { base };
                    vec![Route::any(own), Route::any(format!("{base}/{{*rest}}"))]
                }
                _ => continue,
            };
            let wrong = routes.iter().filter_map(|route| router.add(route, index).err());
            faults.extend(wrong.map(|fault| format!("function `{}`: {fault}", function.name)));
        }
        if faults.is_empty() { Ok(router) } else { Err(faults) }
    }

    /// Opens the resources and binds the functions to them: what adapters serve. No I/O.
    ///
    /// # Errors
    /// As [`manifest`](Self::manifest); what is wrong with a resource's configuration; `Unsupported` that lists what
    /// the application declares and its providers cannot do.
    pub fn bind(self, opener: &dyn Opener) -> Result<(Functions, Arc<R>)> {
        let manifest = self.manifest()?;
        let router = self.router().map_err(|faults| Error::invalid(faults.join("; ")))?;
        let resources = Arc::new(R::open(opener)?);
        let functions = self.functions.into_iter().map(|function| function.bind(&resources)).collect();
        Ok((Functions::new(manifest, router, functions)?, resources))
    }
}

fn name_faults<R>(application: &str, functions: &[Registered<R>], resources: &[Declaration]) -> Vec<String> {
    let mut faults = Vec::new();
    let fit = |name: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=60).contains(&name.len())
            && name.bytes().all(allowed)
            && name.as_bytes()[0].is_ascii_alphabetic()
    };
    // Neither case nor the sort of dash tells two environment variables apart.
    let key = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let rule = "names have 1 to 60 ASCII letters, digits, `-` and `_`, and begin with a letter";
    if !fit(application) {
        faults.push(format!("the application's name does not fit: {rule}"));
    }
    for (index, function) in functions.iter().enumerate() {
        if !fit(&function.name) {
            faults.push(format!("the function's name `{}` does not fit: {rule}", function.name));
        }
        if functions[..index].iter().any(|earlier| earlier.name == function.name) {
            faults.push(format!("two functions are called `{}`", function.name));
        }
    }
    for (index, resource) in resources.iter().enumerate() {
        if !fit(&resource.name) {
            faults.push(format!("the resource's name `{}` does not fit: {rule}", resource.name));
        }
        let alike = |earlier: &&Declaration| key(&earlier.name) == key(&resource.name);
        match resources[..index].iter().find(alike) {
            None => {}
            Some(earlier) if earlier.name == resource.name => {
                faults.push(format!("two resources are called `{}`", resource.name));
            }
            Some(earlier) => faults.push(format!(
                "the resources `{}` and `{}` are called too much alike: one variable would name both",
                earlier.name, resource.name
            )),
        }
    }
    faults
}

impl<R> fmt::Debug for App<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<&str> = self.functions.iter().map(|function| function.name.as_str()).collect();
        f.debug_struct("App").field("name", &self.name).field("functions", &functions).finish_non_exhaustive()
    }
}
