//! The program in the hands of a person.

use crate::host::Plugin;

#[tokio::test]
async fn started_by_hand_it_explains_itself_and_fails() {
    for cookie in [None, Some(("TF_PLUGIN_MAGIC_COOKIE", "wrong"))] {
        let variables: Vec<_> = cookie.into_iter().collect();
        let mut plugin = Plugin::start_with(&[], &variables);
        let stderr = plugin.stderr().await;
        for part in ["Terraform provider", "required_providers", "dev_overrides"] {
            assert!(stderr.contains(part), "{part} is missing in {stderr}");
        }
        assert_eq!(plugin.rest_of_stdout().await, "");
        assert_eq!(plugin.exit().await.code(), Some(1));
    }
}

#[tokio::test]
async fn it_tells_its_version() {
    let mut plugin = Plugin::start_with(&["--version"], &[]);
    let expected = concat!(
        "terraform-provider-crossaccount ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    );
    assert_eq!(plugin.rest_of_stdout().await, expected);
    assert_eq!(plugin.exit().await.code(), Some(0));
}
