# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a host with what is declared, and reloads its nginx. It runs on the host, with Python 3.6 and newer and the standard library alone.

The role puts a line ``QUESTION = "..."`` before it, JSON with what is declared, and Python reads all of it from standard input: no other user sees it.

``look`` prints the state of the host, and what is to be done (``todo``). It changes nothing.
``reload`` makes nginx load its configuration, and prints whether it did.
``check`` waits until nginx serves what it should, and prints ``{"problem": ...}`` if it doesn't.
``pretend`` does nothing, for check mode.
"""

import glob
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import quote

MAIN_FILE = "/etc/nginx/nginx.conf"
DEFAULT_SITE = "/etc/nginx/sites-enabled/default"
#: In seconds: for a request, until nginx has loaded a configuration, and until it serves what it should.
REQUEST_TIMEOUT, RELOAD_TIMEOUT, CHECK_TIMEOUT = 5, 30, 10
INTERVAL = 0.05
FAMILIES = {"Debian": {"debian", "ubuntu"}, "RedHat": {"rhel", "fedora", "centos"}}
#: On the Red Hat family, tar unpacks the site.
PACKAGES = {"Debian": ["nginx"], "RedHat": ["nginx", "tar"]}
#: Debian and Ubuntu (of those with long support) have brotli for nginx since these. The base repositories of the Red Hat family have none.
BROTLI, BROTLI_SINCE = "libnginx-mod-http-brotli-filter", {"debian": "12", "raspbian": "12", "ubuntu": "24.04"}
#: What brings Ansible's module for packages.
LIBRARY = "python3-apt"
#: Since then nginx warns of `listen ... http2`.
HTTP2_DIRECTIVE_SINCE = "1.25.1"


def read(path):
    """The text of a file, or an empty one if it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def run(*command):
    """The exit status of a command, and what it says."""
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


# --- The host ---


def distribution(os_release):
    """The family, the name and the version of a distribution, from its os-release file."""
    pairs = (line.partition("=") for line in os_release.splitlines())
    known = {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}
    ids = {known.get("ID", ""), *known.get("ID_LIKE", "").split()}
    family = next((family for family, members in FAMILIES.items() if ids & members), "")
    return {
        "family": family, "distribution": known.get("ID", ""), "version": known.get("VERSION_ID", ""), "name": known.get("PRETTY_NAME", known.get("ID", "")),
    }  # fmt: skip


def installed(family, packages):
    """Those of the packages that are installed."""
    if family == "RedHat":
        said = run("rpm", "--query", "--queryformat", "%{NAME} installed\\n", *packages)[1]
    else:
        said = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *packages)[1]
    return [line.split()[0] for line in said.splitlines() if re.fullmatch(r"\S+ installed", line)]


def listens_on_ipv6():
    """Whether nginx can listen on all IPv6 addresses. The kernel may have none."""
    try:
        with closing(socket.socket(socket.AF_INET6, socket.SOCK_STREAM)) as listener:
            listener.bind(("::", 0))
    except OSError:
        return False
    return True


def at_least(version, wanted):
    """Whether a version is another one or a later one. What is not released yet has none."""
    return not version or [int(part) for part in re.findall(r"\d+", version)] >= [int(part) for part in wanted.split(".")]


def has_brotli(seen):
    since = BROTLI_SINCE.get(seen["distribution"])
    return bool(since) and at_least(seen["version"], since)


def nginx_version():
    match = re.search(r"nginx/(\d+(?:\.\d+)+)", run("nginx", "-v")[1])
    return match.group(1) if match else ""


def starts_at_boot():
    """Whether nginx starts with the host, as far as this can be seen without asking the service manager to change it."""
    if os.path.isdir("/run/systemd/system"):
        return run("systemctl", "is-enabled", "nginx")[0] == 0
    return bool(glob.glob("/etc/rc[2-5].d/S[0-9][0-9]nginx")) or not os.path.exists("/etc/init.d/nginx")


def default_site_is_unchanged():
    """Whether the distribution's default site is enabled as the package brought it. If somebody has changed it, it is theirs."""
    return os.path.islink(DEFAULT_SITE) and "sites-available/default" not in run("dpkg", "--verify", "nginx-common")[1]


# --- The files of the site ---


def digest_of(path):
    value = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            value.update(chunk)
    return value.hexdigest()


def belongs_to_root(path, mode):
    look = os.lstat(path)
    return (look.st_uid, look.st_gid, stat.S_IMODE(look.st_mode)) == (0, 0, mode)


def configuration(path):
    """The digest of the site's configuration, or an empty text if the file isn't as the role writes it."""
    if os.path.isfile(path) and not os.path.islink(path) and belongs_to_root(path, 0o644):
        return digest_of(path)
    return ""


def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def is_intact(folder, name):
    """Whether a certificate with its key, which is named after its content, is as the role writes it."""
    path = os.path.join(folder, name)
    return os.path.isfile(path) and not os.path.islink(path) and belongs_to_root(path, 0o600) and digest_of(path)[:16] + ".pem" == name


def link(path):
    return os.readlink(path) if os.path.islink(path) else ""


def files(paths):
    """What there is of the site."""
    tls = names(paths["tls"])
    private = os.path.isdir(paths["tls"]) and belongs_to_root(paths["tls"], 0o700)
    others = [path for path in glob.glob("/etc/nginx/conf.d/*.conf") if path != paths["names"]]
    sizes = [path for path in [MAIN_FILE, *others] if re.search(r"^[^#]*\bserver_names_hash_bucket_size\s", read(path), re.MULTILINE)]
    return {
        "there": [name for name in ("file", "folder", "tls") if os.path.lexists(paths[name])],
        "configuration": configuration(paths["file"]),
        "current": link(os.path.join(paths["folder"], "current")),
        "previous": link(os.path.join(paths["folder"], "previous")),
        "releases": names(os.path.join(paths["folder"], "releases")),
        "tls": tls,
        "intact": [name for name in tls if private and is_intact(paths["tls"], name)],
        "names": os.path.exists(paths["names"]),
        "other_names": bool(sizes),
        "other_sites": bool([path for path in others if os.path.basename(path).startswith("cloudnexus-") and path != paths["file"]]),
    }


# --- What runs ---


def setting(name, otherwise):
    """A setting of nginx's main file."""
    match = re.search(rf"^\s*{name}\s+([^\s;]+)", read(MAIN_FILE), re.MULTILINE)
    return match.group(1) if match else otherwise


def title(pid):
    return read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def master():
    """The process that nginx's pid file names, or 0 if nginx doesn't run."""
    pid = read(setting("pid", "/run/nginx.pid")).strip()
    return int(pid) if pid.isdigit() and title(pid).startswith("nginx: master process") else 0


def workers(of):
    """The workers of a master that accept requests: those on their way out say so."""
    processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return {pid for pid in processes if title(pid) == "nginx: worker process" and parent(pid) == of}


def parent(pid):
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def request(site, scheme, port, method, path):
    """The status and the digest of one response, or 0 and what went wrong."""
    if scheme == "https":
        # The certificate is for the names of the site, and may be one that this host does not trust.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = Tls(site["address"], port, context, site["host"])
    else:
        connection = http.client.HTTPConnection(site["address"], port, timeout=REQUEST_TIMEOUT)
    try:
        with closing(connection):
            connection.request(method, path, headers={"Host": site["host"], "User-Agent": "Ansible", "Connection": "close"})
            response = connection.getresponse()
            return response.status, response.getheader("X-Site-Digest") or ""
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__


class Tls(http.client.HTTPConnection):
    """A connection to an address that asks for the certificate of a name."""

    def __init__(self, address, port, context, name):
        super().__init__(address, port, timeout=REQUEST_TIMEOUT)
        self.context, self.name = context, name

    def connect(self):
        super().connect()
        self.sock = self.context.wrap_socket(self.sock, server_hostname=None if self.name.startswith("[") else self.name)


def served(site):
    """The status and the digest of each health page, and whether a file of the site can be read."""
    pages = [request(site, scheme, port, "GET", site["health"]) for scheme, port in site["ports"]]
    scheme, port = site["ports"][-1]
    status = request(site, scheme, port, "HEAD", "/" + quote(site["sample"]))[0] if site["sample"] else 200
    return {"pages": pages, "sample": 200 <= status < 400, "status": status}


def facts():
    """What a configuration depends on."""
    return {**distribution(read("/etc/os-release") or read("/usr/lib/os-release")), "nginx": nginx_version(), "ipv6": listens_on_ipv6()}


def look(question):
    """The state of the host and its site."""
    host, running = facts(), master()
    asks = running and question["state"] == "present"
    return {
        **host,
        **files(question["paths"]),
        "installed": installed(host["family"], [*PACKAGES.get(host["family"], []), BROTLI, LIBRARY]),
        "package_lists": bool(glob.glob("/var/lib/apt/lists/*_Packages*")),
        "default_site": (not running or question.get("all_addresses", False)) and default_site_is_unchanged(),
        "running": bool(running),
        "starts_at_boot": starts_at_boot(),
        **(served(question["site"]) if asks else {"pages": [], "sample": False}),
    }


# --- What is to be done ---


def rendered(draft, seen):
    """The configuration for this host, and its digest. A line of the draft may begin with a condition: ``@ipv6@``, ``@!http2@``."""
    true = {
        "ipv6": seen["ipv6"], "http2": at_least(seen["nginx"], HTTP2_DIRECTIVE_SINCE), "brotli": has_brotli(seen),
    }  # fmt: skip
    lines = []
    for line in draft.split("\n"):
        conditions, text = re.fullmatch(r"((?:@!?[a-z0-9]+@)*)(.*)", line).groups()
        if all(true[name] != bool(otherwise) for otherwise, name in re.findall("@(!?)([a-z0-9]+)@", conditions)):
            lines.append(text)
    text = "\n".join(lines)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return text.replace("@digest@", digest), digest


def plan(question, seen):
    """What is to be done, by names that the tasks of the role know."""
    if question["state"] == "absent":
        return {"todo": seen["there"] + ["names"] * (seen["names"] and not seen["other_sites"])}
    if not seen["family"]:
        return {"todo": ["host"]}
    brotli = question["brotli"] and has_brotli(seen)
    packages = PACKAGES[seen["family"]] + ([BROTLI] if brotli else [])
    common = {"packages": packages, "brotli": brotli}
    if not set(packages) <= set(seen["installed"]):
        return {"todo": ["packages"], **common}
    text, digest = rendered(question["draft"], seen)
    stale = [named for _status, named in seen["pages"]] != [digest] * len(question["site"]["ports"])
    release = os.path.join(question["paths"]["folder"], "releases", question["release"])
    previous = seen["previous"] if seen["current"] in ("", release) else seen["current"]
    surplus = superfluous(question, seen, [release, previous])
    todo = {
        "default site": question["all_addresses"] and seen["default_site"],
        "names": question["long_names"] and not seen["names"] and not seen["other_names"],
        "certificate": bool(question["certificate"]) and question["certificate"] not in seen["intact"],
        # If another configuration runs, it is no wonder that it has no such file.
        "release": seen["current"] != release or question["release"] not in seen["releases"] or not (stale or seen["sample"]),
        "configuration": seen["configuration"] != hashlib.sha256(text.encode()).hexdigest(),
        "service": not seen["running"] or not seen["starts_at_boot"],
        "running": stale,
        "surplus": bool(surplus),
    }
    return {
        "todo": [name for name, differs in todo.items() if differs],
        "text": text,
        "digest": digest,
        "previous_release": previous,
        "surplus": surplus,
        **common,
    }


def superfluous(question, seen, wanted):
    """What is left of older releases and certificates."""
    releases = [os.path.join(question["paths"]["folder"], "releases", name) for name in seen["releases"]]
    if not question["certificate"]:
        return [path for path in releases if path not in wanted] + [question["paths"]["tls"]] * ("tls" in seen["there"])
    keys = [os.path.join(question["paths"]["tls"], name) for name in seen["tls"] if name != question["certificate"]]
    return [path for path in releases if path not in wanted] + keys


# --- To load a configuration ---


class ErrorLog:
    """What nginx writes to its error log from now on."""

    def __init__(self):
        self.path = setting("error_log", "/var/log/nginx/error.log")
        self.start = os.path.getsize(self.path) if os.path.isfile(self.path) else 0

    def fatal(self, of):
        """The messages of a process on why it does not do what it was asked to."""
        if not os.path.isfile(self.path):
            return []
        with open(self.path, "rb") as file:
            file.seek(self.start)
            lines = file.read().decode("utf-8", "replace").splitlines()
        found = (re.match(rf"\S+ \S+ \[emerg\] {of}#\d+: (.*)", line) for line in lines)
        return list(dict.fromkeys(match.group(1) for match in found if match))


def gave_up(messages):
    """Whether nginx has ended its attempt: it tries five times to listen on an address."""
    return any(not message.startswith("bind() to ") for message in messages)


def listening(port):
    """Address (as the kernel writes it), port and socket of all that listen on a port, by the file that names them."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read(table).splitlines()[1:]:
            fields = line.split()
            address, _colon, number = fields[1].partition(":")
            if fields[3] == "0A" and int(number, 16) == port:
                found.append((table, address, fields[9]))
    return found


def in_kernel(address):
    """An address as /proc/net writes it, and the file in which it does."""
    family, table = (socket.AF_INET6, "/proc/net/tcp6") if ":" in address else (socket.AF_INET, "/proc/net/tcp")
    packed = socket.inet_pton(family, address)
    words = [packed[start : start + 4] for start in range(0, len(packed), 4)]
    return table, "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


def sockets(pid):
    found = set()
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        match = re.fullmatch(r"socket:\[(\d+)\]", link(path))
        if match:
            found.add(match.group(1))
    return found


def in_its_own_way(messages, of):
    """Whether nginx can't listen on an address only because it still listens on all of them, or on one of them instead of all."""
    wanted = [re.match(r"bind\(\) to \[?([0-9A-Fa-f.:]+?)\]?:(\d+) failed \(98", message) for message in messages]
    own, conflicts = sockets(of), []
    for match in filter(None, wanted):
        table, address = in_kernel(match.group(1))
        here = [(at, number) for name, at, number in listening(int(match.group(2))) if name == table]
        conflicts += [number for at, number in here if at == address or not at.strip("0") or not address.strip("0")]
    return bool(conflicts) and all(number in own for number in conflicts)


def load():
    """Reload nginx, and see that it took its configuration: the exit status and a log full of errors say nothing of it."""
    status, said = run("nginx", "-t")
    if status:
        return {"problem": words(said)}
    running = master()
    if not running:
        return {"problem": "nginx does not run."}
    before, log = workers(running), ErrorLog()
    os.kill(running, signal.SIGHUP)
    ends_at = time.monotonic() + RELOAD_TIMEOUT
    while time.monotonic() < ends_at:
        now = workers(running)
        if now and not now & before:
            return {}
        messages = log.fatal(running)
        if gave_up(messages):
            return {"problem": "nginx: " + " nginx: ".join(messages), "restart": in_its_own_way(messages, running)}
        time.sleep(INTERVAL)
    if workers(running) - before:
        return {}  # an old worker is too busy to say that it is on its way out
    return {"problem": f"nginx has not loaded its configuration within {RELOAD_TIMEOUT} s, and {log.path} does not say why."}


def words(said):
    """What ``nginx -t`` says, without what it always says."""
    return " ".join(line for line in said.splitlines() if not re.search(r"(syntax is ok|test is successful|test failed)$", line))


def check(question):
    """Wait until what runs is what was declared."""
    site, ends_at = question["site"], time.monotonic() + CHECK_TIMEOUT
    digest = rendered(question["draft"], facts())[1]
    while True:
        problem = difference(site, digest, served(site))
        if not problem:
            return {}
        if time.monotonic() > ends_at:
            return {"problem": " ".join(filter(None, [problem, words(run("nginx", "-t")[1])]))}
        time.sleep(INTERVAL)


def difference(site, digest, now):
    """One sentence on what is served in the place of what should be."""
    for (scheme, port), (status, named) in zip(site["ports"], now["pages"]):  # noqa: B905  # Python 3.9 has no `strict`
        url = f"{scheme}://{site['address']}:{port}{site['health']}"
        if not status:
            return f"{url} can't be read: {named}."
        if named != digest:
            return f"{url} returns status {status} and X-Site-Digest {named or '(none)'}: expected {digest}. Another site of this nginx serves it."
    if not now["sample"]:
        return f"nginx can't serve /{site['sample']}, a file of the site: it returns status {now['status']}."
    return ""


def main(command, question):
    if command == "look":
        seen = look(question)
        return {**seen, **plan(question, seen)}
    if command == "reload":
        return load()
    return check(question) if command == "check" else {}


if __name__ == "__main__":
    json.dump(main(sys.argv[1], json.loads(globals()["QUESTION"])), sys.stdout)
