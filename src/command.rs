//! `SKYPORT_COMMAND`: one thing to do instead of serving.

use std::io::Write;
use std::str::FromStr;
use std::time::SystemTime;

use skyport_core::app::{Event, Functions, Invocation, Manifest};
use skyport_core::event::ScheduleEvent;
use skyport_core::{Error, Outcome, Result};

/// What a program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve until told to stop.
    Serve,
    /// Print the manifest as JSON.
    Manifest,
    /// Create the resources.
    Provision,
    /// Call a schedule's function once.
    Fire(String),
    /// Write what is deployed to Azure Functions beside the program.
    AzureFunctions {
        /// Into this folder.
        folder: String,
        /// The setting that tells the host how to get to the queues, where it is another than its own storage's.
        connection: Option<String>,
    },
}

impl FromStr for Command {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words[..] {
            [] | ["serve"] => Ok(Self::Serve),
            ["manifest"] => Ok(Self::Manifest),
            ["provision"] => Ok(Self::Provision),
            ["fire", function] => Ok(Self::Fire(function.to_owned())),
            ["azure-functions", folder] => {
                Ok(Self::AzureFunctions { folder: folder.to_owned(), connection: None })
            }
            ["azure-functions", folder, connection] if is_setting(connection) => Ok(Self::AzureFunctions {
                folder: folder.to_owned(),
                connection: Some(connection.to_owned()),
            }),
            ["azure-functions", _, _, ..] => Err(Error::invalid(
                "SKYPORT_COMMAND is `azure-functions <folder>` or `azure-functions <folder> <connection>`: the folder has no space in its name, and the \
                 connection is the name of an application setting, of letters, digits and `_`",
            )),
            _ => Err(Error::invalid(
                "SKYPORT_COMMAND is `serve`, `manifest`, `provision`, `fire <function>` or `azure-functions <folder> [<connection>]`",
            )),
        }
    }
}

/// Whether the host finds a setting of this name among the application's.
fn is_setting(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes the manifest to standard output.
pub(crate) fn print_manifest(manifest: &Manifest) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| Error::internal("the manifest does not serialise").with_source(error))?;
    writeln!(std::io::stdout(), "{text}")
        .map_err(|error| Error::internal("the manifest could not be written").with_source(error))
}

/// Calls a schedule's function once, now.
pub(crate) async fn fire(functions: &Functions, name: &str) -> Result<()> {
    let function = functions.function(name)?;
    let event = Event::Schedule(ScheduleEvent::new(SystemTime::now()));
    match functions.event(function, event, Invocation::default()).await? {
        Outcome::Done => Ok(()),
        Outcome::Retry { error, .. } | Outcome::Dead { reason: error } => {
            Err(Error::internal(format!("the function `{name}` failed: {error}")))
        }
        _ => Err(Error::internal(format!("the function `{name}` failed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_others_refused() {
        assert_eq!("".parse::<Command>().expect("nothing"), Command::Serve);
        assert_eq!(" fire  sweep ".parse::<Command>().expect("one function"), Command::Fire("sweep".into()));
        let folder = |connection: Option<&str>| Command::AzureFunctions {
            folder: "target/package".into(),
            connection: connection.map(str::to_owned),
        };
        assert_eq!("azure-functions target/package".parse::<Command>().expect("one folder"), folder(None));
        let both = "azure-functions target/package Data_2".parse::<Command>().expect("a connection, too");
        assert_eq!(both, folder(Some("Data_2")));
        for text in ["azure-functions my package/x", "azure-functions a b c"] {
            let error = text.parse::<Command>().expect_err(text);
            assert!(error.message().contains("no space in its name"), "{error}");
        }
        for text in ["fire", "fire a b", "drop", "manifest now", "azure-functions"] {
            assert!(text.parse::<Command>().is_err(), "{text}");
        }
    }
}
