//! The kinds of identities that an environment may name, in the order in which they are looked for.

use skyport_core::Error;

use super::failure;

/// Whoever may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ClientSecret,
    Workload,
    Managed,
    Cli,
    DeveloperCli,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::ClientSecret, Self::Workload, Self::Managed, Self::Cli, Self::DeveloperCli];

    /// As Azure's libraries call it.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::ClientSecret => "EnvironmentCredential",
            Self::Workload => "WorkloadIdentityCredential",
            Self::Managed => "ManagedIdentityCredential",
            Self::Cli => "AzureCliCredential",
            Self::DeveloperCli => "AzureDeveloperCliCredential",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::ClientSecret => "a client secret",
            Self::Workload => "a workload identity",
            Self::Managed => "a managed identity",
            Self::Cli => "`az`",
            Self::DeveloperCli => "`azd`",
        }
    }

    /// What its failures mean.
    pub(super) fn told(self) -> fn(azure_core::Error) -> Error {
        if self == Self::Managed { failure::of_machine } else { failure::of }
    }

    /// What makes it work.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::ClientSecret => "are AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET right?",
            Self::Workload => {
                "are AZURE_TENANT_ID and AZURE_CLIENT_ID right, and is the token of AZURE_FEDERATED_TOKEN_FILE one of theirs?"
            }
            Self::Managed => {
                "has the app an identity? AZURE_CLIENT_ID names the one that is meant where a user assigned it"
            }
            Self::Cli => "run `az login`",
            Self::DeveloperCli => "run `azd auth login`",
        }
    }
}
