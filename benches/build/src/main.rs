//! How long it takes to build Skyport's features beside the raw SDKs alone, and of how many crates.

use skyport_measure::{Contender, Group, Metric, Outcome, Sample, Target};

mod cargo;

/// The same program twice: with a set of our features, and by hand.
#[derive(Debug)]
struct Pair {
    name: &'static str,
    ours: &'static str,
    rival: &'static str,
    theirs: &'static str,
}

/// The programs are those of the groups `lambda` and `cold`.
const PAIRS: [Pair; 6] = [
    Pair {
        name: "lambda",
        ours: "skyport-bench-lambda-hello-ours",
        rival: "lambda_http",
        theirs: "skyport-bench-lambda-hello-theirs",
    },
    Pair {
        name: "aws",
        ours: "skyport-bench-lambda-clients-ours",
        rival: "lambda_http and the SDKs",
        theirs: "skyport-bench-lambda-clients-theirs",
    },
    Pair {
        name: "cloud-run",
        ours: "skyport-bench-cloud-run-hello-ours",
        rival: "axum",
        theirs: "skyport-bench-axum-hello-theirs",
    },
    Pair {
        name: "gcp",
        ours: "skyport-bench-cloud-run-clients-ours",
        rival: "axum and the raw clients",
        theirs: "skyport-bench-cloud-run-clients-theirs",
    },
    Pair {
        name: "azure-functions",
        ours: "skyport-bench-azure-hello-ours",
        rival: "axum",
        theirs: "skyport-bench-axum-hello-theirs",
    },
    Pair {
        name: "azure",
        ours: "skyport-bench-azure-clients-ours",
        rival: "axum and the SDKs",
        theirs: "skyport-bench-azure-clients-theirs",
    },
];

/// What is aimed at, of both.
const TARGET: Target = Target::AtMost(1.15);

fn main() -> Outcome {
    let mut group = Group::asked("build")?;
    // A download is no build.
    cargo::fetch()?;
    for pair in &PAIRS {
        let name = format!("{}/crates", pair.name);
        if group.wants(&name) {
            let count = |package| {
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Sample::of(vec![cargo::crates(package)?]))
            };
            let samples = vec![("skyport", count(pair.ours)?), (pair.rival, count(pair.theirs)?)];
            group.row(&name, Metric::new("", "crates", TARGET), samples)?;
        }
    }
    if !group.plan().quick {
        for pair in &PAIRS {
            clean(&mut group, pair)?;
        }
    }
    group.done()
}

/// A build takes minutes, and all cores: one round of each, after none to warm up but that of the disk.
fn clean(group: &mut Group, pair: &Pair) -> Outcome {
    let name = format!("{}/clean build", pair.name);
    let plan = group.plan().once();
    let ours = Contender::elsewhere("skyport", || Ok([cargo::clean_build(pair.ours)?]));
    let theirs = Contender::elsewhere(pair.rival, || Ok([cargo::clean_build(pair.theirs)?]));
    group.contest(&name, [Metric::new("", "s", TARGET)], plan, ours, vec![theirs])
}
