//! Skyport on Azure: Blob Storage, Queue Storage as queues, Table Storage as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_azure::Azure;
//! use skyport_core::provider::{Provider, ResourceUrl};
//!
//! let azure = Azure::new();
//! let photos: ResourceUrl = "azblob://my-photos?account=mystorage".parse()?;
//! let bucket = azure.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `azblob://container` | a container of Blob Storage |
//! | `azqueue://queue` | a queue of Queue Storage; its dead letters are in `<queue>-poison` |
//! | `aztable://table` | a table of Table Storage |
//!
//! Each takes `account` and `endpoint`; what they do not say comes from [`AzureConfig`], and then from the environment.
//!
//! # Account, endpoint, credentials
//! The account is that of the URL, of [`AzureConfig`], or of the environment, where the first of these that is set says who calls, too:
//!
//! | variable | what it says |
//! |---|---|
//! | `AZURE_STORAGE_CONNECTION_STRING` | all: account, key or SAS, endpoints. `UseDevelopmentStorage=true` is Azurite |
//! | `AZURE_STORAGE_ACCOUNT` | the account, with `AZURE_STORAGE_KEY`, `AZURE_STORAGE_SAS_TOKEN`, or an identity |
//! | `AzureWebJobsStorage` | on Azure Functions: a connection string |
//! | `AzureWebJobsStorage__accountName`, or `__blobServiceUri`, `__queueServiceUri`, `__tableServiceUri` | on Azure Functions: the account or its endpoints; an identity calls, and with `__credential=managedidentity` the one of `__clientId` |
//!
//! A key or a SAS is that of the account beside which it stands: of another account, which a URL names, an identity is whoever calls. Where the code gives a
//! [`credential`](AzureConfig::credential), no key and no SAS of the environment is used. An endpoint is `https://{account}.{service}.core.windows.net`,
//! unless somebody says otherwise; an emulator's has the account in its path.
//!
//! An identity is looked for at the first call, in the order of Azure's own libraries:
//! 1. a client secret: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`;
//! 2. a workload's identity: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE`;
//! 3. a managed identity, the one of `AZURE_CLIENT_ID` or the system's: of App Service, Functions and Container Apps by `IDENTITY_ENDPOINT`, or of a machine, which
//!    is looked for at 169.254.169.254 for a second;
//! 4. whoever has signed in with `az`, then with `azd`.
//!
//! Who is set up and fails is not replaced by the next; where nobody is found, the error says who was looked for, and what to do. `AZURE_TOKEN_CREDENTIALS` narrows
//! the search: `prod` (1 to 3), `dev` (4), or one of `EnvironmentCredential`, `WorkloadIdentityCredential`, `ManagedIdentityCredential`,
//! `AzureCliCredential`, `AzureDeveloperCliCredential`. `AZURE_AUTHORITY_HOST` names another authority than the public cloud's. Certificates of clients, and the
//! identities of Azure Arc and Service Fabric, are not known.
//!
//! A token is kept for all resources, and renewed five minutes before its end, by one call for all who wait; what is still good is used where that fails. It may
//! take 6 seconds, and a search 9. No token is sent without TLS: opening a resource at such an endpoint is `Unauthenticated`. An identity needs
//! roles on the account, whose owner has none of them by that: `Storage Blob Data Contributor`, `Storage Queue Data Contributor`,
//! `Storage Table Data Contributor`. A new role takes Azure some minutes; until then a call is `PermissionDenied`.
//!
//! TLS is rustls with ring, and with the roots that come with the program: an image needs no CA certificates. Without TLS no proxy is asked, so that emulators
//! and the platform's endpoints are reached.
//!
//! # Signed URLs
//! - A signed URL is a shared access signature of one blob: for reading (`r`), writing (`cw`; with `if_absent` `c`, so that nothing is overwritten whatever
//!   a client sends) or deleting (`d`), and over TLS alone where the endpoint has it. What else stands in its query is not bound.
//! - With the account's key it is made without I/O. An identity signs with a user delegation key, which is fetched once (within 8 seconds; it needs the role
//!   `Storage Blob Delegator`, too) and lives for 7 days: `expires` is the key's end where that comes sooner, by an hour at most less than what was asked for.
//!   A SAS signs nothing: there `capabilities().sign` is no.
//! - A PUT has to bring `x-ms-blob-type`. A content type stands in `x-ms-blob-content-type`, which wins over `content-type`; a delegation key binds it
//!   (`srh`, of version 2026-04-06), an account's key cannot, and a client that leaves it out writes another one.
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
mod http;
#[cfg(feature = "kv")]
mod kv;
mod provision;
#[cfg(feature = "queue")]
mod queue;

pub use config::{Azure, AzureConfig};
