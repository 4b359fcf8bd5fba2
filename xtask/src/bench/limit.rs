//! Running a program until a moment.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::group::Group;
use crate::{Result, run};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With success.
    Well,
    /// Without.
    Badly(ExitStatus),
    /// It did not, and was ended with all that it had started.
    Late,
}

/// Longer than anything here takes.
const DAY: Duration = Duration::from_secs(86_400);

/// Says what is run, and runs it with its output on the terminal, until it ends or the moment is there.
pub(super) fn run(command: &mut Command, until: Option<Instant>) -> Result<Ended> {
    let left = until.map_or(DAY, |until| until.saturating_duration_since(Instant::now()));
    if left.is_zero() {
        return Ok(Ended::Late);
    }
    println!("$ {}", run::line(command));
    let mut group = Group::new()?;
    let mut child = command.stdin(Stdio::null()).process_group(group.id().as_raw_pid()).spawn()?;
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let ended = child.wait();
        // Where nobody listens any more, it came too late.
        let _ = sender.send(ended);
    });
    let ended = match receiver.recv_timeout(left) {
        Ok(status) => match status? {
            status if status.success() => Ended::Well,
            status => Ended::Badly(status),
        },
        Err(RecvTimeoutError::Timeout) => Ended::Late,
        Err(RecvTimeoutError::Disconnected) => return Err("the program is not waited for".into()),
    };
    group.end()?;
    waiter.join().map_err(|_| "the program is not waited for")?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, until: Option<Instant>) -> Ended {
        run(Command::new("sh").args(["-c", script]), until).unwrap()
    }

    #[test]
    fn how_a_program_ends_is_told() {
        assert_eq!(shell("true", None), Ended::Well);
        assert!(matches!(shell("exit 3", None), Ended::Badly(status) if status.code() == Some(3)));
        let began = Instant::now();
        assert_eq!(shell("sleep 600", Some(began + Duration::from_millis(50))), Ended::Late);
        assert_eq!(shell("true", Some(began)), Ended::Late);
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
