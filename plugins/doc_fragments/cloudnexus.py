# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of every module has in common."""

from __future__ import annotations

import re


def _with_environment(text: str) -> str:
    """The options with the environment variable of each, as ansible-doc shows those of plugins. Modules have no such key.

    Not of a secret: ``ansible-config dump`` prints the value of each variable that is declared, and masks none. The description names it.
    """
    options = r"^  (?!api_key|refresh_token)(\w+):\n(?:    .*\n)+"
    return re.sub(options, lambda option: f"{option[0]}    env:\n      - name: CLOUDNEXUS_{option[1].upper()}\n", text, flags=re.MULTILINE)


class ModuleDocFragment:
    # The connection options of every module.
    DOCUMENTATION = r"""
requirements:
  - requests (on the host that runs the task, usually the control node)
options:
  api_key:
    description:
      - The API key, which is sent as the Bearer credential.
      - One of O(api_key), or O(refresh_token) with O(client_id), is required. If all are given, the key is used until the API refuses it.
      - Default is the environment variable E(CLOUDNEXUS_API_KEY); an empty variable counts as not set.
    type: str
  refresh_token:
    description:
      - The OAuth2 refresh token that was obtained at login.
      - Together with O(client_id) it gets an access token, which is renewed 60 seconds before it expires, and once when the API refuses it.
      - Default is the environment variable E(CLOUDNEXUS_REFRESH_TOKEN); an empty variable counts as not set.
    type: str
  client_id:
    description:
      - The client id of the application that O(refresh_token) was issued to.
      - Default is the environment variable E(CLOUDNEXUS_CLIENT_ID); an empty variable counts as not set.
    type: str
  api_url:
    description:
      - The base URL of the API.
      - C(http) is refused unless the host is a loopback address, because the credential would be readable on its way.
      - Default is the environment variable E(CLOUDNEXUS_API_URL), and V(https://api.cloudnexus.io/v1) if that is not set.
    type: str
    default: https://api.cloudnexus.io/v1
  api_timeout:
    description:
      - Timeout of one request attempt in seconds, including the time to read the response.
      - From 1 to 600.
      - Default is the environment variable E(CLOUDNEXUS_API_TIMEOUT), and V(30) if that is not set.
    type: int
    default: 30
  api_retries:
    description:
      - How many times to retry a request that can be retried safely.
      - From 0 to 20.
      - All attempts of one request and the pauses between them take at most O(api_timeout) times (O(api_retries) + 1) seconds.
      - A pause that the API asks for (C(Retry-After)) is kept.
      - Default is the environment variable E(CLOUDNEXUS_API_RETRIES), and V(5) if that is not set.
    type: int
    default: 5
  validate_certs:
    description:
      - Verify the certificate of the API.
      - V(false) is for tests only, because the credential could be sent to anyone.
      - Default is the environment variable E(CLOUDNEXUS_VALIDATE_CERTS), and V(true) if that is not set.
    type: bool
    default: true
  ca_path:
    description:
      - The path of a file or directory of CA certificates to verify the API's certificate with.
      - Default is the environment variable E(CLOUDNEXUS_CA_PATH), then E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE), and at last what requests comes with.
    type: path
  token_cache:
    description:
      - The absolute path of a directory to cache access tokens in, so that tasks, hosts and runs share them.
      - If the API rotates the refresh token, the new one is cached there too and used from then on. A new O(refresh_token) takes precedence.
      - The directory and its files must belong to the user who runs the task, and nobody else may have access.
      - V(none) turns the cache off.
      - Default is the environment variable E(CLOUDNEXUS_TOKEN_CACHE), and C(cloudnexus) in the user's cache directory (E(XDG_CACHE_HOME), C(~/.cache)) if
        that is not set.
    type: path
    version_added: 0.2.0
notes:
  - If the connection is local, without become and without async, the task runs in-process, inside Ansible's worker on the control node. That is some
    fifty times faster than module mode. To turn it off, set the variable C(cloudnexus_in_process) or the environment variable E(CLOUDNEXUS_IN_PROCESS)
    to V(false). The result is the same.
  - A task that takes more than five seconds there shows its progress on standard error. The variable C(cloudnexus_progress) or the environment variable
    E(CLOUDNEXUS_PROGRESS) turns that off with V(false).
  - With C(-vvv) each request of the task is shown on one line. The variable C(cloudnexus_trace) or the environment variable E(CLOUDNEXUS_TRACE) adds the
    requests to the result with V(true), as RV(api_requests).
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY), be they Ansible's own or the task's C(environment).
  - If the API shows a loopback, unspecified, link-local, multicast or broadcast address of an instance, its C(ip) is null in the result, with a warning.
    Loopback addresses are allowed if O(api_url) has one too.
  - The API's operations that its vendor has not documented may be missing; the failure then says which one, and what to do instead.
seealso:
  - name: Authentication
    description: How to give the credential, from an environment variable, a vault or AWX.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/authentication.md
  - name: The API, and the rules that follow
    description: Which operations the vendor documents, which the collection assumes, and what follows if one is missing.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/contract.md
  - name: What the API does not offer
    description: Features that the API lacks, and alternatives.
    link: https://github.com/cloudnexus/cloudnexus.cloud/blob/main/docs/not_offered.md
  - name: CloudNexus API
    description: The vendor's API, below the base URL that its documentation names.
    link: https://api.cloudnexus.io/v1
"""

    # The same without the notes, for what is no module; and without the key, for what uses a token. With a type, because
    # the linter of documentation reads the plain assignments, and expects texts.
    CONNECTION: str = _with_environment(DOCUMENTATION[: DOCUMENTATION.index("notes:")])
    TOKEN: str = "options:\n" + CONNECTION[CONNECTION.index("  refresh_token:") :]

    # The attributes that all modules have.
    ATTRIBUTES = r"""
attributes:
  check_mode:
    description: Can run in check mode and says what would change, without changing anything.
  diff_mode:
    description: Returns in diff mode what has changed, or in check mode what would.
  action_group:
    description: Takes the defaults of the action group, as in C(module_defaults) for C(group/cloudnexus.cloud.all).
    support: full
    membership:
      - cloudnexus.cloud.all
  idempotent:
    description: The same task a second time changes nothing.
  async:
    description: Can be run with C(async); it then runs as an ordinary module.
    support: full
  platform:
    description: The platforms that it runs on.
    support: full
    platforms: posix
"""

    # The attributes of all modules that only read.
    INFO = r"""
attributes:
  check_mode:
    support: full
    details:
      - It only reads.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
"""
