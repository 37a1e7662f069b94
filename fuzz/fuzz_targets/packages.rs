//! Any bytes as what `imgbuild_fuzz::packages` takes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    imgbuild_fuzz::packages(data);
});
