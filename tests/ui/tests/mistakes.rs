//! What the compiler says to the mistakes that everybody makes: each message is to name the cause.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("cases/*.rs");
}
