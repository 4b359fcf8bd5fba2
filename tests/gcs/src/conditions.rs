//! Preconditions: every one of the JSON API, on the object itself and on the source of a rewrite.

use crate::error::{Failure, Result};
use crate::exchange::Request;
use crate::object::Object;

/// What must hold of an object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    /// 0 says that there must be no live one.
    generation: Option<u64>,
    not_generation: Option<u64>,
    metageneration: Option<u64>,
    not_metageneration: Option<u64>,
}

impl Conditions {
    /// Those on the object that the call is about.
    pub(crate) fn of(request: &Request) -> Result<Self> {
        Self::read(request, "if")
    }

    /// Those on the source of a rewrite.
    pub(crate) fn of_source(request: &Request) -> Result<Self> {
        Self::read(request, "ifSource")
    }

    /// These are to match.
    pub(crate) fn matching(generation: Option<u64>, metageneration: Option<u64>) -> Self {
        Self { generation, metageneration, ..Self::default() }
    }

    fn read(request: &Request, start: &str) -> Result<Self> {
        let number = |end: &str| request.number(&format!("{start}{end}"));
        Ok(Self {
            generation: number("GenerationMatch")?,
            not_generation: number("GenerationNotMatch")?,
            metageneration: number("MetagenerationMatch")?,
            not_metageneration: number("MetagenerationNotMatch")?,
        })
    }

    /// For a call that changes: whatever does not hold is 412.
    pub(crate) fn for_write(&self, live: Option<&Object>) -> Result<()> {
        let generation = live.map_or(0, |object| object.generation);
        let metageneration = live.map_or(0, |object| object.metageneration);
        let holds = self.generation.is_none_or(|wanted| wanted == generation)
            && self.not_generation.is_none_or(|unwanted| unwanted != generation)
            && self.metageneration.is_none_or(|wanted| wanted == metageneration)
            && self.not_metageneration.is_none_or(|unwanted| unwanted != metageneration);
        if holds { Ok(()) } else { Err(Failure::condition()) }
    }

    /// For a call that reads what is there: one that asks for something else is 304.
    pub(crate) fn for_read(&self, object: &Object) -> Result<()> {
        let matches = Self { not_generation: None, not_metageneration: None, ..*self };
        matches.for_write(Some(object))?;
        self.for_write(Some(object)).map_err(|_| Failure::not_modified())
    }
}
