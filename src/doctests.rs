//! The code in README and in the guide compiles, and runs where it can.

macro_rules! pages {
    ($($name:ident: $page:literal),* $(,)?) => {
        $(#[doc = include_str!($page)] mod $name {})*
    };
}

pages! {
    readme: "../README.md",
    getting_started: "../docs/getting-started.md",
    concepts: "../docs/concepts.md",
    blob: "../docs/blob.md",
    queue: "../docs/queue.md",
    kv: "../docs/kv.md",
    testing: "../docs/testing.md",
    local: "../docs/local.md",
    memory: "../docs/memory.md",
    server: "../docs/server.md",
}

#[cfg(feature = "aws")]
pages! {
    aws: "../docs/aws.md",
}

#[cfg(feature = "gcp")]
pages! {
    gcp: "../docs/gcp.md",
}

#[cfg(feature = "azure")]
pages! {
    azure: "../docs/azure.md",
}
