# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings. Nothing is fetched, neither by the build nor by the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from docutils import nodes
from docutils.nodes import Element
from sphinx.application import Sphinx

from tests.checkout import ROOT

project = "cloudnexus.cloud"
copyright = "cloudnexus.cloud contributors"  # noqa: A001 - Sphinx's name
version = release = str(yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"])

extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinxcontrib.mermaid"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
# Drawn while the site is built, without a browser, so that the pages load no script.
mermaid_output_format = "svg"
mermaid_cmd = str(Path(sys.executable).parent / "mermaidx")
suppress_warnings = ["config.cache"]

html_theme = "furo"
html_title = f"cloudnexus.cloud {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
pygments_style = "ansible"
pygments_dark_style = "github-dark"
highlight_language = "YAML+Jinja"
antsibull_ext_color_scheme = "none"  # static/site.css has them, for the theme's light and dark

# --- Links to Ansible's own documentation, which the pages of the modules have ---------------------------------------

_ANSIBLE = "https://docs.ansible.com/ansible/latest/"
_LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "cache_plugins": "plugins/cache.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "filter_plugins": "plugins/filter.html",
    "inventory_plugins": "plugins/inventory.html",
    "lookup_plugins": "plugins/lookup.html",
}
_BUILTIN = "ansible_collections.ansible.builtin."


def _to_ansible(app: Sphinx, env: object, node: Element, shown: Element) -> nodes.reference | None:
    target = str(node.get("reftarget", ""))
    page = _LABELS.get(target)
    if page is None and target.startswith(_BUILTIN):
        page = f"collections/ansible/builtin/{target.removeprefix(_BUILTIN)}.html"
    if node.get("reftype") == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    return None if page is None else nodes.reference("", "", shown, internal=False, refuri=_ANSIBLE + page)


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", _to_ansible)
