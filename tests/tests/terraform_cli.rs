//! The harness that runs the real CLI, with a configuration that needs no provider.

use std::time::Duration;

use harness::{Terraform, World};
use serde_json::json;

const LIMIT: Duration = Duration::from_mins(2);
const CONFIGURATION: &str = r#"
variable "name" { default = "alice" }
resource "terraform_data" "one" { input = var.name }
output "greeting" { value = "hello ${terraform_data.one.output}" }
"#;

#[tokio::test]
async fn a_configuration_is_planned_applied_and_destroyed() {
    let world = World::new(0).await.unwrap();
    let terraform = Terraform::new(world.env()).unwrap();
    terraform.write("main.tf", CONFIGURATION).unwrap();
    terraform.init().unwrap().expect_success().unwrap();
    assert_eq!(terraform.plan().unwrap().status.code(), Some(2));
    let plan = terraform.plan_json().unwrap();
    assert_eq!(
        plan["resource_changes"][0]["change"]["actions"],
        json!(["create"])
    );
    terraform.apply().unwrap().expect_success().unwrap();
    assert_eq!(terraform.plan().unwrap().status.code(), Some(0));
    assert_eq!(terraform.output("greeting").unwrap(), json!("hello alice"));
    assert_eq!(terraform.state().unwrap(), ["terraform_data.one"]);
    assert_eq!(
        terraform.attributes("terraform_data.one").unwrap()["input"],
        json!("alice")
    );
    terraform.destroy().unwrap().expect_success().unwrap();
    assert!(terraform.state().unwrap().is_empty());
}

#[test]
fn a_failure_shows_everything_that_was_printed() {
    let terraform = Terraform::new([]).unwrap();
    terraform.write("main.tf", "resource \"broken\" {").unwrap();
    let message = terraform
        .validate()
        .unwrap()
        .expect_success()
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("main.tf") && message.contains("validate"),
        "{message}"
    );
}

#[test]
fn a_running_cli_can_be_interrupted() {
    let terraform = Terraform::new([]).unwrap();
    let wait = r#"resource "terraform_data" "one" {
  provisioner "local-exec" { command = "touch started; exec sleep 100" }
}"#;
    terraform.write("main.tf", wait).unwrap();
    terraform.init().unwrap().expect_success().unwrap();
    let run = terraform
        .spawn(&["apply", "-no-color", "-auto-approve"])
        .unwrap();
    let begin = std::time::Instant::now();
    while !terraform.path().join("started").exists() {
        assert!(begin.elapsed() < LIMIT, "{}", run.stdout_so_far());
        std::thread::yield_now();
    }
    run.interrupt_all().unwrap();
    let output = run.wait_within(LIMIT).unwrap();
    assert!(!output.success());
    assert!(
        output.stdout.contains("Interrupt received"),
        "{}",
        output.text()
    );
}
