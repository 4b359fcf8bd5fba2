//! What the compiler says to the mistakes that everybody makes: the cases are in `cases/`.
