//! Our provider gone wrong: the process, the server and the schemas are those of the product, and what a resource does is
//! to panic with a text that quotes a secret. Only a defect could make the product do so, and none is known.

use std::process::ExitCode;

use provider::framework::{
    ConfigureRequest, Configured, CreateRequest, DataSource, DeleteRequest, Function, Outcome,
    Provider, ReadRequest, Resource, Server, UpdateRequest,
};
use provider::schema::{Attribute, Diagnostics, Schema};
use provider::value::Object;

/// Runs this process as the provider.
pub(super) fn main() -> ExitCode {
    provider::plugin::main(|| Server::new(Panicking))
}

struct Panicking;

#[tonic::async_trait]
impl Provider for Panicking {
    type State = ();

    fn name(&self) -> &'static str {
        "crossaccount"
    }

    fn schema(&self) -> Schema {
        Schema::new([])
    }

    async fn configure(
        &self,
        _request: ConfigureRequest<'_>,
    ) -> Result<Configured<()>, Diagnostics> {
        Ok(Configured::Ready(().into()))
    }

    fn resources(&self) -> Vec<Box<dyn Resource<()>>> {
        vec![Box::new(Secret)]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<()>>> {
        Vec::new()
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        Vec::new()
    }
}

/// A resource that is given a secret.
struct Secret;

/// Panics in the ways in which Rust quotes data.
#[expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "it is what this is for"
)]
fn panics(way: &str, secret: &str) -> Outcome {
    match way {
        "formatted" => panic!("the secret {secret} was not taken"),
        "unwrapped" => std::hint::black_box(Err::<Outcome, _>(secret)).unwrap(),
        "sliced" => {
            let inside = secret.char_indices().find(|(_, it)| it.len_utf8() > 1);
            let (begin, _) = inside.unwrap();
            Outcome::exists(Object::new().with("secret", &secret[..=begin]))
        }
        other => panic!("{other} is no way to panic"),
    }
}

#[tonic::async_trait]
impl Resource<()> for Secret {
    fn type_name(&self) -> &'static str {
        "crossaccount_secret"
    }

    fn schema(&self) -> Schema {
        Schema::new([
            Attribute::string("way").required(),
            Attribute::string("secret").required().write_only(),
        ])
    }

    async fn create(&self, request: CreateRequest<()>) -> Outcome {
        let text = |name| request.config.get(name).as_str().unwrap_or_default();
        panics(text("way"), text("secret"))
    }

    async fn read(&self, request: ReadRequest<()>) -> Outcome {
        Outcome::exists(request.state)
    }

    async fn update(&self, request: UpdateRequest<()>) -> Outcome {
        Outcome::exists(request.planned)
    }

    async fn delete(&self, _request: DeleteRequest<()>) -> Outcome {
        Outcome::gone()
    }
}
