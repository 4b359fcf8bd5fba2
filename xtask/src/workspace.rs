//! What cargo knows of this workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Result, run};

/// The workspace's root folder.
///
/// # Errors
/// Where xtask's own folder has none above it.
pub(crate) fn root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.parent().ok_or("xtask is not inside a workspace")?;
    Ok(root.to_owned())
}

/// The members, as `cargo metadata` tells them.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// In the order of their names.
    pub(crate) members: Vec<Member>,
}

/// One package of ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    /// `skyport-memory`
    pub(crate) name: String,
    /// Relative to the root; empty for the root package: `providers/memory`
    pub(crate) folder: String,
    /// Those of all kinds.
    pub(crate) dependencies: Vec<Dependency>,
    /// Names of its cargo features.
    pub(crate) features: Vec<String>,
    /// `1.95`
    pub(crate) rust_version: Option<String>,
    /// What is built of it.
    pub(crate) targets: Vec<Target>,
}

/// A library, program, example or test of a member.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `lib`, `test`, `bin` or `example`
    pub(crate) kind: String,
    /// `conformance`
    pub(crate) name: String,
    /// Its root file.
    pub(crate) source: PathBuf,
    /// Whether `cargo test` makes a test binary of it.
    pub(crate) tested: bool,
}

/// What a member's manifest asks for.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// For tests only.
    pub(crate) dev: bool,
}

impl Workspace {
    /// Asks cargo. The lock file must be current.
    ///
    /// # Errors
    /// What cargo says.
    pub(crate) fn load() -> Result<Self> {
        let root = root()?;
        let mut command = run::cargo(&root);
        command.args(["metadata", "--format-version=1", "--no-deps"]);
        let metadata: Value = serde_json::from_str(&run::output(&mut command)?)?;
        let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
        let mut members =
            packages.iter().map(|package| member(&root, package)).collect::<Result<Vec<_>>>()?;
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root, members })
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The names of the folders in `providers` or another such place that hold a member.
    pub(crate) fn inside<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| member.is_in(place))
    }
}

impl Member {
    /// Whether its folder is in the folder `place` of the root.
    pub(crate) fn is_in(&self, place: &str) -> bool {
        Path::new(&self.folder).parent() == Some(Path::new(place))
    }

    /// The last part of its folder: `memory`.
    pub(crate) fn short_name(&self) -> &str {
        self.folder.rsplit('/').next().unwrap_or_default()
    }

    /// Its manifest, relative to the root.
    pub(crate) fn manifest(&self) -> String {
        if self.folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{}/Cargo.toml", self.folder) }
    }
}

fn member(root: &Path, package: &Value) -> Result<Member> {
    let name = package["name"].as_str().ok_or("a package without a name")?;
    let manifest = package["manifest_path"].as_str().ok_or("a package without a manifest")?;
    let folder = Path::new(manifest)
        .parent()
        .and_then(|folder| folder.strip_prefix(root).ok())
        .ok_or_else(|| format!("{name} is outside the workspace's folder"))?;
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    Ok(Member {
        name: name.to_owned(),
        folder: folder.to_string_lossy().replace('\\', "/"),
        dependencies: dependencies
            .map(|dependency| Dependency {
                name: dependency["name"].as_str().unwrap_or_default().to_owned(),
                dev: dependency["kind"] == "dev",
            })
            .collect(),
        features: package["features"]
            .as_object()
            .into_iter()
            .flat_map(|features| features.keys().cloned())
            .collect(),
        rust_version: package["rust_version"].as_str().map(str::to_owned),
        targets: package["targets"].as_array().into_iter().flatten().map(target).collect(),
    })
}

fn target(target: &Value) -> Target {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Target {
        kind: text(&target["kind"][0]),
        name: text(&target["name"]),
        source: PathBuf::from(text(&target["src_path"])),
        tested: target["test"] == true,
    }
}
