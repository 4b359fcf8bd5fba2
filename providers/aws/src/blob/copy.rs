//! Copying within an account.

use aws_sdk_s3::operation::copy_object::CopyObjectError;
use aws_sdk_s3::types::MetadataDirective;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use percent_encoding::utf8_percent_encode;
use skyport_core::blob::port::{Condition, CopyOptions, Etag, Written};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};

use super::key::{IN_PATH, send_on};
use super::meta::{self, describe};
use super::refused::{self, Failed};
use super::{NAME, S3};

impl S3 {
    /// Metadata is replaced rather than copied, since the copy bears a token of its own: so the source is looked at first,
    /// and the copy is bound to what was seen.
    pub(super) async fn copy_object(&self, from: &str, to: &str, options: &CopyOptions) -> Result<Written> {
        let bucket = options.source_bucket.as_deref().unwrap_or(self.name());
        let seen = self.look_at(bucket, from).await.map_err(|error| of_source(error, bucket))?;
        let (language, expires) = (seen.content_language.clone(), seen.expires.clone());
        let source = seen.meta()?;
        if options.source_if_match.as_ref().is_some_and(|asked| *asked != source.etag) {
            return Err(Error::from(Refusal::Changed).with_provider(NAME));
        }
        self.info.limits.check_copy(source.size)?;
        let copy = self.client().await.copy_object().bucket(self.name());
        let copy = describe!(copy, &source.properties, options.token)
            .metadata_directive(MetadataDirective::Replace)
            .copy_source(format!("{bucket}/{}", utf8_percent_encode(from, IN_PATH)))
            .copy_source_if_match(refused::quoted(&source.etag))
            .set_content_language(language)
            .set_expires(expires.and_then(|text| DateTime::from_str(&text, Format::HttpDate).ok()))
            .set_if_match(refused::if_match(&options.condition))
            .set_if_none_match(refused::if_none_match(&options.condition));
        let output = match send_on!(to, copy) {
            Ok(output) => output,
            Err(error) => return Err(self.not_copied(error, from, bucket, &source.etag, options).await),
        };
        Ok(Written::new(meta::etag(output.copy_object_result.and_then(|result| result.e_tag))?))
    }

    /// S3 refuses alike where the source changed and where the target does not meet its condition: the source is looked
    /// at again.
    async fn not_copied(
        &self,
        error: Failed<CopyObjectError>,
        from: &str,
        bucket: &str,
        seen: &Etag,
        options: &CopyOptions,
    ) -> Error {
        use ErrorKind::{AlreadyExists, NotFound, PreconditionFailed};
        let told = refused::writing(error, &options.condition);
        // By its kind: the status may be 200, where the error comes late.
        if !matches!(told.kind(), AlreadyExists | NotFound | PreconditionFailed) {
            return told;
        }
        let of_target = options.condition != Condition::None || told.kind() == NotFound;
        match self.look_at(bucket, from).await {
            Ok(now) if of_target && now.etag.as_deref().map(Etag::new).as_ref() == Some(seen) => told,
            Ok(_) if options.source_if_match.is_some() => refused::as_refusal(Refusal::Changed, told),
            Ok(_) => {
                let text = "the source was replaced while it was copied: copy it again";
                Error::new(ErrorKind::Conflict, text).with_provider(NAME).with_source(told)
            }
            Err(error) => of_source(error, bucket),
        }
    }
}

/// An error of the source names its bucket.
fn of_source(error: Error, bucket: &str) -> Error {
    if error.kind() == ErrorKind::NotFound { error.with_resource(bucket) } else { error }
}
