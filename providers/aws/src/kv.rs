//! DynamoDB behind the port `KeyValueStore`.
