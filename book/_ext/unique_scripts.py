"""Keep one of each inline script: Sphinx 7 puts those without a file on every page twice, which the browser refuses."""


def drop_repeated(app, pagename, templatename, context, doctree):
    seen, kept = set(), []
    for script in context["script_files"]:
        body = script.attributes.get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def setup(app):
    app.connect("html-page-context", drop_repeated, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
