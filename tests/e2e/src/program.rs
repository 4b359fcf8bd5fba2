//! Where the examples' programs are, and that they are new.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// `target/<profile>`, from where this program itself is.
fn profile_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let own = std::env::current_exe().expect("the path of this program");
        let folder = own.parent().expect("a program is in a folder");
        let folder =
            if folder.ends_with("deps") { folder.parent().expect("deps is in a folder") } else { folder };
        folder.to_owned()
    })
}

/// A folder for temporary ones: under `target`, for the system's own may be a small one in memory.
pub(crate) fn scratch() -> PathBuf {
    let scratch = profile_folder().join("e2e");
    std::fs::create_dir_all(&scratch).expect("a folder under target");
    scratch
}

/// The program of an example. Under cargo all examples are built first, once in a process: else a test might run what an
/// older source was built to.
pub(crate) fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(cargo) = std::env::var_os("CARGO") {
            build(Path::new(&cargo));
        }
    });
    let program = profile_folder().join("examples").join(name);
    assert!(
        program.is_file(),
        "{} is not there: run `cargo build --workspace --bins --examples` with the profile of the tests",
        program.display()
    );
    program
}

/// With the same words as `cargo xtask test` has, so that both build the same.
fn build(cargo: &Path) {
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
    let profile = profile_folder().file_name().expect("a profile has a name").to_string_lossy();
    if profile != "debug" {
        command.args(["--profile", &profile]);
    }
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).stdin(Stdio::null());
    // What cargo told this process of its own package is not for another build.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "the examples do not build: {status}");
}
