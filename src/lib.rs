//! Write a serverless function once; run it anywhere.
