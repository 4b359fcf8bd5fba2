//! Bugs that real applications have, planted into `examples/photos`, and the simulation that must find each of them within 1,000 seeds. All of it is
//! in the test target `planted`, of which the example's modules are part.
