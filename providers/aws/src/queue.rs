//! SQS behind the port `MessageQueue`.
