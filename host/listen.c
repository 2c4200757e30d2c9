#include "host/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ip.h"
#include "lib/scan.h"
#include "host/owner.h"

union address {
	struct sockaddr any;
	struct sockaddr_storage inet;
	struct sockaddr_un un;
};

static bool
listen_failed(struct buf *error, const char *socket, const char *what)
{
	int code = errno;

	buf_printf(error, "%s: %s: %s", socket, what, strerror(code));
	return false;
}

/* Reports that another process uses the address; `pid` is 0 if unknown. */
static bool
address_in_use(
    struct listen_socket *s, struct buf *error, const char *socket, pid_t pid)
{
	s->in_use = true;
	s->used_by = pid;
	buf_printf(error, "%s is in use by ", socket);
	if (pid > 0)
		owner_put_process(error, pid);
	else
		buf_text(error, "another process");
	buf_text(error, "; stop it, or set another socket");
	return false;
}

/* ---- TCP ---- */

/* Reads "PORT" or "PORT@ADDRESS" (default: loopback).  Returns the size of the
 * address, or 0 if `text` is not valid. */
static socklen_t
inet_address(const char *text, enum ip_family family, union address *a)
{
	struct scan s = scan_of(span_str(text));
	struct ip ip = { .family = family };
	uint64_t port;

	if (family == IP_V4)
		ip.bytes[0] = 127, ip.bytes[3] = 1;
	else
		ip.bytes[15] = 1;
	if (!scan_number(&s, UINT16_MAX, &port) || port == 0)
		return 0;
	if (scan_byte(&s, '@') &&
	    (!(family == IP_V4 ? ip_parse_v4 : ip_parse_v6)(
		scan_rest(&s), &ip)))
		return 0;
	return (socklen_t)ip_to_sockaddr(&ip, (uint16_t)port, &a->inet);
}

static bool
open_inet(const char *socket_text, enum ip_family family,
    struct listen_socket *out, struct buf *error)
{
	union address a = { 0 };
	const char *rest = strchr(socket_text, ':') + 1;
	socklen_t size = inet_address(rest, family, &a);
	int on = 1;

	if (size == 0) {
		buf_printf(error, "%s is not a valid socket", socket_text);
		return false;
	}
	out->fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return listen_failed(
		    error, socket_text, "cannot open a socket");
	/* Accepted connections inherit TCP_NODELAY. */
	setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(out->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (family == IP_V6)
		setsockopt(out->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(out->fd, &a.any, size) == 0 &&
	    listen(out->fd, LISTEN_BACKLOG) == 0)
		return true;
	if (errno == EADDRINUSE)
		return address_in_use(out, error, socket_text,
		    owner_of_port(ip_port_from_sockaddr(&a.any)));
	return listen_failed(error, socket_text, "cannot listen on it");
}

/* ---- unix ---- */

static bool
unix_address(const char *socket_text, union address *a, struct buf *error)
{
	const char *path = strchr(socket_text, ':') + 1;
	size_t n = strlen(path);

	if (n >= sizeof(a->un.sun_path)) {
		buf_printf(error, "%s: the path is longer than %zu bytes",
		    socket_text, sizeof(a->un.sun_path) - 1);
		return false;
	}
	memcpy(a->un.sun_path, path, n);
	return true;
}

/*
 * Whether a socket can be created at this path: there is no file, or a process
 * that has ended left its socket there.  Otherwise `error` says that a process
 * still listens on it, or that the file is not a socket.
 */
static bool
is_free_or_stale(const char *socket_text, const union address *a,
    struct listen_socket *out, struct buf *error)
{
	const char *path = a->un.sun_path;
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	struct stat st;
	int fd;
	bool answered;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ||
		    listen_failed(error, socket_text, "cannot access it");
	if (!S_ISSOCK(st.st_mode)) {
		buf_printf(error,
		    "%s: a file of that name exists and is not a socket; "
		    "remove it, or set another socket",
		    socket_text);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return listen_failed(
		    error, socket_text, "cannot open a socket");
	answered = connect(fd, &a->any, sizeof(a->un)) == 0;
	if (answered)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	close(fd);
	return !answered || address_in_use(out, error, socket_text, peer.pid);
}

bool
listen_own(const struct listen_options *options, struct listen_socket *s,
    struct buf *error)
{
	struct group *g = NULL;
	struct passwd *p = NULL;
	struct stat st;

	if (s->path == NULL)
		return true;
	errno = EPERM; /* if another user has replaced the file */
	if (lstat(s->path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return listen_failed(
		    error, options->socket, "cannot access it");
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (options->group != NULL && (g = getgrnam(options->group)) == NULL) {
		buf_printf(error, "socket_group: unknown group \"%s\"",
		    options->group);
		return false;
	}
	if (options->user != NULL && geteuid() == 0)
		p = getpwnam(options->user); /* daemonize_set_user() reports an
		                                unknown user */
	if ((g != NULL || p != NULL) &&
	    lchown(s->path, p != NULL ? p->pw_uid : (uid_t)-1,
		g != NULL ? g->gr_gid : (gid_t)-1) != 0)
		return listen_failed(error, options->socket,
		    "cannot set the socket's owner and group");
	if ((st.st_mode & 07777) != options->mode &&
	    chmod(s->path, (mode_t)options->mode) != 0)
		return listen_failed(
		    error, options->socket, "cannot set the socket's mode");
	return true;
}

static bool
open_unix(const struct listen_options *options, struct listen_socket *out,
    struct buf *error)
{
	union address a = { .un.sun_family = AF_UNIX };
	const char *path = strchr(options->socket, ':') + 1;
	struct stat st;
	mode_t mask;
	int code;

	if (!unix_address(options->socket, &a, error) ||
	    !is_free_or_stale(options->socket, &a, out, error))
		return false;
	if (lstat(path, &st) == 0 && unlink(path) != 0 && errno != ENOENT)
		return listen_failed(
		    error, options->socket, "cannot remove the old socket");
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return listen_failed(
		    error, options->socket, "cannot open a socket");
	/* The file gets the mode of the descriptor: changing it later by name
	 * would follow a link that another user puts there.  Nobody can connect
	 * before listen(). */
	(void)fchmod(out->fd, (mode_t)options->mode);
	mask = umask(0);
	code = bind(out->fd, &a.any, sizeof(a.un));
	umask(mask);
	if (code != 0 && errno == ENOENT) {
		buf_printf(error,
		    "%s: its directory does not exist; create it, or set "
		    "another socket",
		    options->socket);
		return false;
	}
	if (code != 0)
		return listen_failed(
		    error, options->socket, "cannot create it");
	out->path = path;
	if (!listen_own(options, out, error))
		return false;
	if (listen(out->fd, LISTEN_BACKLOG) != 0)
		return listen_failed(
		    error, options->socket, "cannot listen on it");
	return true;
}

const char *
listen_path(const char *socket)
{
	struct span text = span_str(socket);

	return span_starts_nocase(text, "unix:") ||
		span_starts_nocase(text, "local:")
	    ? strchr(socket, ':') + 1
	    : NULL;
}

bool
listen_open(const struct listen_options *options, struct listen_socket *out,
    struct buf *error)
{
	struct span text = span_str(options->socket);
	bool ok;

	*out = (struct listen_socket){ .fd = -1 };
	if (span_starts_nocase(text, "inet:"))
		ok = open_inet(options->socket, IP_V4, out, error);
	else if (span_starts_nocase(text, "inet6:"))
		ok = open_inet(options->socket, IP_V6, out, error);
	else if (listen_path(options->socket) != NULL)
		ok = open_unix(options, out, error);
	else {
		buf_printf(error, "%s is not a valid socket", options->socket);
		ok = false;
	}
	if (!ok)
		listen_close(out);
	return ok;
}

bool
listen_check(const struct listen_options *options, struct listen_socket *out,
    struct buf *error)
{
	union address a = { .un.sun_family = AF_UNIX };
	bool ok;

	if (listen_path(options->socket) == NULL) {
		ok = listen_open(options, out, error);
		listen_close(out);
		return ok;
	}
	*out = (struct listen_socket){ .fd = -1 };
	return unix_address(options->socket, &a, error) &&
	    is_free_or_stale(options->socket, &a, out, error);
}

void
listen_forget(struct listen_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->path = NULL;
}

void
listen_close(struct listen_socket *s)
{
	struct stat st;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->path != NULL && stat(s->path, &st) == 0 &&
	    st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->path);
	s->path = NULL;
}
