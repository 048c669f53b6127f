//! Compiles our `.proto` files without `protoc` or any other program outside cargo.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 4] = [
    "proto/tfplugin6.proto",
    "proto/plugin/grpc_broker.proto",
    "proto/plugin/grpc_controller.proto",
    "proto/plugin/grpc_stdio.proto",
];

#[allow(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts everything through the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure()
        .build_client(env::var_os("CARGO_FEATURE_CLIENT").is_some())
        .build_server(true)
        // A call that a service does not offer is answered with UNIMPLEMENTED, which both
        // Terraform and OpenTofu understand.
        .generate_default_stubs(true)
        // Ordered maps make the bytes of a schema the same in every run.
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
