//! The contract's sentences on HTTP, behind the other gateways.
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use skyport_conformance::Outcome;
use skyport_conformance::trigger::{self, TriggerHarness};
use support::gateway::Gateway;
use support::platform::OnLambda;

/// What a gateway itself cannot do, and where the sentence is held instead.
const DEVIATIONS: [(&str, &str, &str); 3] = [
    (
        "lambda-rest",
        "paths_queries_headers_and_cookies_survive",
        "a REST API decodes the query and forgets the order of its parameters: see the unit tests of the adapter's requests",
    ),
    (
        "lambda-alb",
        "paths_queries_headers_and_cookies_survive",
        "a load balancer forgets the order of a query's parameters: see the unit tests of the adapter's requests",
    ),
    (
        "lambda-alb",
        "binary_bodies_to_four_mebibytes_survive_both_ways",
        "a load balancer takes 1 MB: held behind the other gateways",
    ),
];

fn main() -> ExitCode {
    support::on_lambda(|api| {
        let on = |name, gateway, streaming| -> Arc<dyn TriggerHarness> {
            Arc::new(OnLambda { name, api: api.clone(), gateway, streaming })
        };
        let harnesses = [
            on("lambda-rest", Gateway::Rest, false),
            on("lambda-alb", Gateway::LoadBalancer, false),
            on("lambda-stream", Gateway::FunctionUrl, true),
            on("lambda-rest-stream", Gateway::Rest, true),
        ];
        let trials = harnesses.iter().flat_map(|harness| {
            let http = trigger::cases().into_iter().filter(|case| case.name().starts_with("trigger::http::"));
            http.map(|case| trial(case, Arc::clone(harness)))
        });
        libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
    })
}

fn trial(case: trigger::TriggerCase, harness: Arc<dyn TriggerHarness>) -> Trial {
    let kind = harness.name();
    let deviation = DEVIATIONS
        .into_iter()
        .find(|(name, sentence, _)| kind.starts_with(name) && case.name().ends_with(sentence))
        .map(|(.., reason)| reason);
    let run = move || match deviation {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => match case.run(&harness) {
            Ok(Outcome::Passed) => Ok(Completion::Completed),
            Ok(Outcome::Skipped(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(Failed::from(error)),
        },
    };
    Trial::ignorable_test(case.name(), run).with_kind(kind)
}
