//! Errors in templates, and in what they give.

use super::{Workspace, assert_messages};

/// The default cluster with a component everywhere, which has one template.
fn workspace(path: &str, template: &str) -> Workspace {
    Workspace::new()
        .component("t/component.yaml", "description: a component of a test\neverywhere: true\n")
        .component(&format!("t/files/etc/{path}"), template)
}

#[test]
fn templates_that_do_not_render() {
    assert_messages(
        "template",
        [
            ("undefined", workspace("t.conf.j2", "one\nname = {{ node.nmae }}\n")),
            ("undefined-member", workspace("t.conf.j2", "{{ components.etcd.settings.clustr_token }}\n")),
            ("undefined-root", workspace("t.conf.j2", "{% for one in hosts %}{{ one }}{% endfor %}\n")),
            ("undefined-setting", workspace("t.conf.j2", "port = {{ settings.port + 1 }}\n")),
            ("undefined-component", workspace("t.conf.j2", "{{ components.haproxy.settings.port }}\n")),
            ("syntax", workspace("t.conf.j2", "{% for one in nodes %}\n{{ one.name }}\n")),
            ("syntax-brace", workspace("t.conf.j2", "a\n  b {{ node.name }\n")),
            ("filter-unknown", workspace("t.conf.j2", "{{ node.name | uper }}\n")),
            ("include-missing", workspace("t.conf.j2", "{% include \"nothing.j2\" %}\n")),
            ("extends-itself", workspace("t.conf.j2", "{% extends \"t/files/etc/t.conf.j2\" %}\n")),
            (
                "endless",
                workspace(
                    "t.conf.j2",
                    "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}\n",
                ),
            ),
            (
                "endless-recursion",
                workspace("t.conf.j2", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}\n"),
            ),
            ("wrong-kind", workspace("t.conf.j2", "{{ node.name + 1 }}\n")),
            (
                "several",
                workspace("t.conf.j2", "{{ node.a }}\n").component("t/files/etc/u.conf.j2", "{{ node.b }}\n"),
            ),
        ],
    );
}

#[test]
fn a_template_that_is_no_text() {
    let workspace = Workspace::new()
        .component("t/component.yaml", "description: a component of a test\neverywhere: true\n")
        .component("t/files/etc/t.conf.j2", b"caf\xe9\n");
    let run = workspace.run(&["check"]).exit(3);
    run.says(&["the template `overlays/t/files/etc/t.conf.j2` is not valid UTF-8", "save it as UTF-8"]);
}

#[test]
fn rendered_files_that_are_not_what_their_names_promise() {
    assert_messages(
        "rendered",
        [
            ("yaml", workspace("t.yaml.j2", "a: 1\nhosts: {{ node.name }}: {{ node.address }}\n")),
            (
                "yaml-key-twice",
                workspace("t.yml.j2", "{% for one in nodes %}\nname: {{ one.name }}\n{% endfor %}\n"),
            ),
            ("json", workspace("t.json.j2", "{\n  \"name\": {{ node.name }}\n}\n")),
            ("yaml-tab", workspace("t.yaml.j2", "a:\n\tb: {{ node.name }}\n")),
        ],
    );
}
