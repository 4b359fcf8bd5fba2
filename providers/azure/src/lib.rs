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
//! Each takes `account` and `endpoint`; what they do not say comes from [`AzureConfig`], and then from the environment. A container takes `events`, too: what the
//! names of the queues begin with into which its events are delivered.
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
//! A key or a SAS is that of the account beside which it stands: of another account, which a URL names, an identity is whoever calls. What code says wins, part by
//! part, and the environment says the rest where it is about the same account: who calls, and where. Where the code gives a
//! [`credential`](AzureConfig::credential), no key and no SAS of the environment is used. An endpoint is `https://{account}.{service}.core.windows.net`,
//! unless somebody says otherwise; an emulator's has the account in its path. An endpoint in [`AzureConfig`] is that of its own account: a URL that names another
//! account says its `endpoint`, too.
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
//! - With the account's key it is made without I/O. An identity signs with a user delegation key, which is fetched once (within 8 seconds), renewed daily, and lives for 7
//!   days. On the account each role `Storage Blob Data ..` lets it ask for one; where it has such a role on a container alone, `Storage Blob Delegator` on the account, too: `expires` is the key's end where that comes sooner, by an hour at most less than what was asked for.
//!   A SAS signs nothing: there `capabilities().sign` is no.
//! - A PUT has to bring `x-ms-blob-type`, and a DELETE `x-ms-delete-snapshots`. A content type stands in `x-ms-blob-content-type`, which wins over `content-type`;
//!   a delegation key binds it (`srh`, of version 2026-04-06). An account's key cannot: there it is `Unsupported`. Azurite does not know `srh`, and refuses such a URL.
//!
//! # Buckets
//! - A bucket is a container, an object a block blob; those that others wrote are read whatever they are, and archived ones are `Unsupported`
//!   until they are brought back. Accounts with a hierarchical namespace are not flat: there `a` and `a/b` cannot stand side by side, and
//!   directories are listed among objects. Use an account without one.
//! - Blocks, copies and containers are calls of `azure_storage_blob`; to put, get, head, list and delete are calls of our own over the same transport. A download is one stream
//!   here, and a listing has a delimiter, which the SDK has not.
//! - A small read or write is one request. A read of the last bytes, and a copy, are preceded by one, since Azure knows no ranges from
//!   the end, and a copy bears a token of its own. What is missing, the blob or its container, Azure says in a code.
//! - An etag is Azure's own, and new with every write, also with one that changes only properties. Every condition of the port is native.
//! - A writer, and a stream of over 8 MiB, go up as staged blocks, four at once, and are visible when their list is committed, under the
//!   condition. Blocks double every 5,000 from 8 MiB to 2 GiB, so that 50,000 of them hold 29 TiB. An upload that is given up
//!   leaves staged blocks, which nobody sees and which Azure drops after a week: no rule of the container is needed, but until then they are
//!   paid for. Any other write of the same blob takes the blocks from an upload: of two writers of one blob the later one gets a
//!   `Conflict` that no retry mends, and begins again. So it does where another program has staged blocks of the same blob with names of
//!   another length. That an upload begins is a HEAD of the blob, which tells what stands in its way before the stream is sent;
//!   whoever may write only is told at its end.
//! - A copy is Copy Blob, from any container of the account and of any size: within an account Azure moves no bytes, and has done it when it answers.
//!   Should it say that it is still at it, the copy is waited for within the 5 minutes that the layer `Retry` gives it; what is still being copied
//!   to is not read, but `Conflict`. A copy keeps content type and the like, metadata, and Azure's other properties; it has no tags.
//!   One that Azure gives up leaves an empty blob, which is deleted, and until then not read: `Conflict`. A source whose URL has over 2,048 bytes, as with long keys
//!   of other letters than ASCII's, is `TooLarge`, before it is looked at.
//! - A listing is in the order of UTF-8, from any start, page by page of up to 1,000. Azure documents its own order as alphabetical: where
//!   that is the order of UTF-16, keys with letters beyond U+FFFF are put where they belong, by at most a few more requests on a page whose end
//!   falls among such keys.
//! - Keys are encoded letter by letter, so that those with `%`, `?`, `#` or `+` are what they are. Not to be said in a URL are the keys `.` and `..`:
//!   `InvalidArgument`. Azure lists a `\` in others' keys as `/`.
//! - `delete_many` sends single deletions, 32 at once, and 500 within one limit of time. Azure's batches carry out the same, one after
//!   the other, and have to be signed one by one. A deletion takes a blob's snapshots along. A blob that somebody holds a lease on is
//!   neither written nor deleted: `Conflict`.
//! - Values of metadata are stored percent-encoded where they are not plain ASCII, and an empty one as `%`, since Azure keeps none. An object without
//!   a content type is stored as `binary/octet-stream`, and read as having none. Beside a user's own metadata stands `skyport_w`, the
//!   write's token. Others' names of metadata are read in small letters.
//! - A run of white space in content type, disposition and the like is stored as one space, but in quotes.
//! - Times of writing are told in whole seconds.
//! - Azure tells of blobs through Event Grid, whose subscriptions are deployed: no program makes them. On Azure Functions they call the function. Elsewhere they deliver
//!   into queues of the same account, one for each subscriber: `azblob://photos?events=photos-events` says that the function `added` of the application `app` is told in
//!   `photos-events-app-added`. What a queue's name cannot have, or would make it too long (56), is told apart by a mark; what a queue is called stands in its
//!   info. Without `events` in the URL they are `Unsupported`.
//! - At its first subscription the queue is made, where it is not there, with that of its dead letters; what happens before Event Grid delivers is told to nobody. Both
//!   of Event Grid's schemas are read, in base64 and as they are. A deletion is told where no blob is left, for which the blob is asked for; events of other containers
//!   are acknowledged unseen; what is no event goes to the dead letters. Removing the container removes neither queues nor Event Grid's subscriptions.
//! - Creating a container opens it to nobody. Removing one removes all that is in it; Azure takes about 40 seconds to clear it away, for which
//!   creating it again waits. A container that is there already is left as it is.
//! - What has to be permitted, by role, and in a SAS: `Storage Blob Data Reader` (`r`, `l`) to read and list, `Storage Blob Data Contributor` (`rlcwd`)
//!   for all the rest, containers included. A SAS for containers needs the types `sco`. Reading the source is enough for a copy's source.
//!
//! # Queues
//! - `azqueue://jobs` is the queue `jobs`, with its dead letters in `jobs-poison`: the name that the host of Azure Functions chooses, too, so what
//!   either of them moves is found in one place. A letter that says no reason, as those that the host moved, has the reason `attempts`. A name has
//!   3 to 56 lower-case letters, digits and single hyphens.
//! - A message of Queue Storage is a text of 64 KiB. What is sent is wrapped: a literal, attributes and envelope in a line of JSON, and the body, all of it in
//!   base64; `skyport_azure_wire::message` documents it for writers in other languages. So a body has up to 43 KiB, of any bytes, with all the attributes
//!   that it may have. What is not wrapped so is a foreign text. What begins as a wrapped message and is none goes to the dead letters unseen,
//!   with what is wrong with it as its reason.
//! - Queue Storage holds no call open. A receive looks again with pauses that grow from 50 ms to 0.8 s while nothing comes, from one
//!   receive to the next: what is sent is received within a second, and what the same opened queue sends at once; an idle queue costs each of its receivers about 75 calls a minute, each of
//!   which is billed. A call brings up to 32 messages. What a dropped receive was being given goes back at once, and counts as no attempt in
//!   the process that dropped it.
//! - Ordered queues and `dedupe_id` are `Unsupported`, the former when the queue is opened: Queue Storage keeps no order and tells no duplicates. A send whose
//!   answer was lost and that is repeated may come twice.
//! - Sending and settling many are single calls, 16 at once: Queue Storage has no batches. One queue takes about 2,000 messages a second,
//!   and says `Throttled` to more.
//! - Delays and pauses are Queue Storage's own, in whole seconds, rounded up. Leases are counted from before the call.
//! - A call that is not answered within 10 seconds is a `Timeout`, and may have been carried out.
//! - A receipt moves when its lease is extended: [`extend`](skyport_core::queue::MessageQueue::extend) gives the new one, which another process needs
//!   to settle the delivery; in the same process the old one leads to it. Where the answer to that is lost for good, nothing can settle the delivery any more, and it returns when its lease ends. A receipt for what the platform handed over
//!   is made of the message's id and pop receipt, by `skyport_azure_wire::message::receipt`.
//! - The process that received a message refuses to settle it twice or after its lease. From another process Queue Storage accepts a receipt until the
//!   message is received again, also after the lease.
//! - An attempt is whatever Queue Storage handed out. What a process gives back unseen it subtracts again, and no other process knows of
//!   that: with `max_attempts = 1` a message that one process gave back, as when its receive was dropped, is a dead letter to another, and nobody
//!   has tried it. Declare 2 or more where several processes receive.
//! - `max_attempts` is what is declared where the queue is opened: Queue Storage keeps no such number. A retry of a last attempt goes to the
//!   letters at once where this process received the message; one that was delivered too often is moved by whoever receives it, before anybody sees
//!   it. Both are a send and then a deletion, so a letter may be there twice, and never not at all. The host of Azure Functions goes by `maxDequeueCount` in
//!   its `host.json`.
//! - Unread messages are kept 7 days, from when they were sent, and dead letters 14; letters that the host moved 7. A lease or a pause that ends
//!   later than that is the message's last: Azure documents that it takes such a call, and the message is gone before it comes again, without a
//!   dead letter.
//! - `depth()` tells all messages as ready: Queue Storage counts the leased and the delayed among them.
//! - Creating a queue creates its dead letters first, and waits up to a minute where one of the name is still being cleared away, which takes Azure at
//!   least 30 seconds. A queue without its dead letters is served as well: they are created with the first letter, and are empty until then.
//! - What has to be permitted: `Storage Queue Data Message Sender` to send, and on the dead letters for whoever receives. To receive and settle,
//!   `Storage Queue Data Contributor`, which may also create and remove queues: `Storage Queue Data Message Processor` is not enough, since who sets the end
//!   of a lease updates the message (`messages/write`). A SAS of the account needs `ss=q`, `srt=co` and `sp=raup`, and `cd` besides to create and remove.
//!
//! # Tables
//! A table is one of Table Storage in a storage account, and an item the entity with the PartitionKey of its partition and the RowKey of its sort
//! key, in letters that Azure takes everywhere and orders as UTF-8 is ordered: letters, digits and `-` as they are, `/` as `._`, `.` as `..`, `_`
//! as `__`, and so on. Before a sort key stands `:`. An entity has the properties `v0`, `v1` and on, the value in parts of 64 KiB, or
//! `c`, an Int64, where it is an integer of 64 bits in JSON; `w`, which names its last write; `exp`, in milliseconds, where it expires; `b`, when it was put;
//! `i`, where it is a counter; and `g`, the etag that its version names, where a check moved Azure's own. Others may read them; who writes there, too, gives
//! an item all that it needs. Other rows are no items: one with an `exp` of 0 and no `w` is the placeholder of a check, one with `m` alone the mirror of an
//! item, one with `n` and `exp` whose RowKey begins with `@` names items whose mirrors are still to be made.
//!
//! - Azure's names of tables have 3 to 63 letters and digits. `-` becomes `qzd`, `_` `qzu` and `.` `qzp`: `photos-catalogue` is the table
//!   `photosqzdcatalogue`. `qzn` comes before a digit at the beginning, and `qz` itself becomes `qzq`, so that no two names become one but those
//!   that differ in case alone, which Azure does not tell apart. Every other name is left as it is.
//! - A read, a write, a transaction of writes and a page are one request each. A version tells the etag, which Azure compares, and the token of
//!   the write. What fails a condition costs reads more, to tell which. An increment is a read and a write; those of one counter that wait for each
//!   other in one process go together, up to sixteen in one write.
//! - Azure has no operation that only checks. A check that an item is as it was notes in it which version it has, so that it keeps it though
//!   its etag moves; one that there is none makes a row that is absent to all, and deletes it afterwards. So checks of one item write it, and exclude one another as
//!   writes do: of two transactions at once that check the same, one goes again, up to ten times within 8 seconds, and is then a `Conflict`.
//! - A value has up to 704 KiB, so that the entity stays under Azure's 1 MiB also in base64.
//! - With a `reverse_index`, each item has a second row, without a value, whose RowKey begins with `~` and sorts backwards; it is written in the same
//!   transaction. A page that is read backwards costs two requests, and one for each item. A transaction of more rows than Azure's hundred leaves a row
//!   first that names its items (`@`), until theirs are made. Every program that writes the table has to declare it alike.
//!   [`create`](skyport_core::provider::Provider::create) makes the second rows that are missing, where the table was there before, and leaves a row in a
//!   partition that no key is (`_table`) to say that none is missing: the next `create` has nothing to do. One that declares the table without the index
//!   takes that row away. Where a program without it wrote after that, as the old version of one that is being replaced, delete the row (`mirrored`) and
//!   provision again.
//! - Nothing deletes what has expired but a write over it and [`sweep`](skyport_core::kv::port::KeyValueStore::sweep), which looks through the whole
//!   table, and finishes what a killed process left. One that was stopped, or failed for a moment, goes on from there when the same opened table
//!   is swept again, and tells what both have deleted. A row that cannot be deleted is passed over and logged; where none could, the sweep fails.
//! - A put forgets which increments a counter has had. One that is repeated, because its answer was lost, and finds such a put since it began, is
//!   `Indeterminate`. Azure's time counts for it where the caller's clock is ahead of that, as far as whole seconds can tell.
//! - The name of a table that was removed is free again after 40 seconds or more; `create` waits for up to a minute. A table that is missing is
//!   `NotFound` at its first use.
//! - Cosmos DB for Table does not keep rows in order: its endpoints are refused as `Unsupported`, and another service that does not is `Malformed` at
//!   the first query that shows it.
//! - What has to be permitted: the role `Storage Table Data Contributor`, or `Storage Table Data Reader` to read alone; a shared access signature needs
//!   `raud` on entities (`srt=o`) and for `create` and `remove` also `c` and `d` on tables (`srt=c`).
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
#[cfg(all(feature = "fuzzing", feature = "blob", feature = "kv"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
#[cfg(feature = "kv")]
mod kv;
mod provision;
#[cfg(feature = "queue")]
mod queue;
#[cfg(any(feature = "blob", feature = "queue", feature = "kv"))]
mod support;

pub use config::{Azure, AzureConfig};
