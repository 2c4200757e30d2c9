#include "host/check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/zone.h"
#include "host/check_internal.h"
#include "host/listen.h"
#include "host/owner.h"

#define DAEMON "avouch-milter"
#define UNIT DAEMON ".service"

enum {
	ERROR_MAX = 1000,
	FOLDER_MAX = 1100, /* bytes; options have at most 1024 */
};

/* ---- lines ---- */

struct find_setting {
	const char *section, *name;
	const char *file;
	unsigned line;
};

static void
take_setting(void *arg, const struct conf_setting *s)
{
	struct find_setting *f = arg;

	if (s->override != NULL || strcmp(s->section, f->section) != 0 ||
	    strcmp(s->name, f->name) != 0)
		return;
	f->file = s->file;
	f->line = s->line;
}

static void __attribute__((format(printf, 5, 0)))
print_line(struct host_checking *h, FILE *out, const char *section,
    const char *name, const char *format, va_list args)
{
	struct find_setting f = { .section = section, .name = name };

	conf_each(h->conf, take_setting, &f);
	if (f.file != NULL)
		fprintf(out, "%s:%u: ", f.file, f.line);
	fprintf(out, "%s%s%s%s: ", section, section[0] != '\0' ? "." : "", name,
	    f.file == NULL ? " (default)" : "");
	vfprintf(out, format, args);
	fputc('\n', out);
}

void
host_check_error(struct host_checking *h, const char *section, const char *name,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(h, h->errors, section, name, format, args);
	va_end(args);
	h->failed = true;
}

void
host_check_warning(struct host_checking *h, const char *section,
    const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(h, h->warnings, section, name, format, args);
	va_end(args);
}

/* ---- users ---- */

/* Whether access checks are conclusive, because this process runs as the
 * daemon's user, or as root, which can check as that user. */
static bool
is_certain(const struct conf *conf)
{
	const struct passwd *p =
	    conf->user != NULL ? getpwnam(conf->user) : NULL;

	return geteuid() == 0 || (p != NULL && p->pw_uid == geteuid());
}

static void __attribute__((format(printf, 4, 5)))
report_access(struct host_checking *h, const char *section, const char *name,
    const char *format, ...)
{
	bool certain = is_certain(h->conf);
	va_list args;

	va_start(args, format);
	print_line(
	    h, certain ? h->errors : h->warnings, section, name, format, args);
	va_end(args);
	h->failed = h->failed || certain;
}

static void
check_names(struct host_checking *h)
{
	const char *user = h->conf->user, *group = h->conf->socket_group;

	if (user != NULL && getpwnam(user) == NULL)
		host_check_error(h, "", "user",
		    "unknown user \"%s\"; create it, for example with "
		    "`useradd --system --user-group %s`",
		    user, user);
	if (group != NULL && getgrnam(group) == NULL)
		host_check_error(h, "", "socket_group",
		    "unknown group \"%s\"; create it, or set another group",
		    group);
}

/* ---- files ---- */

/* Runs in the child, and never returns. */
static void
access_as(const struct passwd *p, const char *path, int mode)
{
	if (initgroups(p->pw_name, p->pw_gid) != 0 || setgid(p->pw_gid) != 0 ||
	    setuid(p->pw_uid) != 0)
		_exit(0); /* access cannot be checked */
	_exit(faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno);
}

/* Returns an errno value, or 0 if the user of the daemon has access or
 * access cannot be checked. */
static int
access_of_user(const struct conf *conf, const char *path, int mode)
{
	const struct passwd *p =
	    conf->user != NULL ? getpwnam(conf->user) : NULL;
	int status = 0;
	pid_t child;

	if (p == NULL || p->pw_uid == geteuid())
		return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0
									: errno;
	if (geteuid() != 0)
		return 0;
	child = fork();
	if (child == 0)
		access_as(p, path, mode);
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    !WIFEXITED(status))
		return 0;
	return WEXITSTATUS(status);
}

static const char *
user_name(const struct conf *conf)
{
	return conf->user != NULL ? conf->user : "of the daemon";
}

/* Writes the parent folder of the absolute path `path` to `folder`. */
static void
folder_of(const char *path, char folder[FOLDER_MAX])
{
	struct buf b = buf_wrap(folder, FOLDER_MAX);
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	buf_span(&b, n > 0 ? span_of(path, n) : SPAN("/"));
}

/* Whether our systemd unit creates this folder when it starts. */
static bool
is_made_by_unit(const char *folder)
{
	return strcmp(folder, "/run/avouch") == 0 ||
	    strcmp(folder, "/var/lib/avouch") == 0;
}

/* Checks that the daemon can create files in the folder of `path`. */
static bool
check_folder(struct host_checking *h, const char *section, const char *name,
    const char *path)
{
	char folder[FOLDER_MAX];
	struct stat st;
	int code;

	folder_of(path, folder);
	if (stat(folder, &st) != 0 && errno == ENOENT) {
		if (is_made_by_unit(folder))
			host_check_warning(h, section, name,
			    "%s does not exist yet; " UNIT
			    " creates it when it starts",
			    folder);
		else
			host_check_error(h, section, name,
			    "%s does not exist; create it, writable by the "
			    "user %s",
			    folder, user_name(h->conf));
		return false;
	}
	code = access_of_user(h->conf, folder, W_OK | X_OK);
	if (code == 0)
		return true;
	report_access(h, section, name,
	    "the user %s cannot create files in %s: %s; change its owner, or "
	    "use another folder",
	    user_name(h->conf), folder, strerror(code));
	return false;
}

/* ---- checks ---- */

static void
check_socket(struct host_checking *h, const char *section, const char *name,
    const char *address)
{
	const struct listen_options options = { .socket = address };
	char text[ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	struct listen_socket s;

	if (address == NULL)
		return;
	if (!listen_check(&options, &s, &error)) {
		if (s.in_use && owner_is_named(s.used_by, DAEMON))
			return;
		if (s.in_use && !owner_is_known(s.used_by))
			host_check_warning(h, section, name,
			    "%s; run this as root to see which process", text);
		else
			report_access(h, section, name, "%s", text);
		return;
	}
	if (listen_path(address) != NULL)
		check_folder(h, section, name, listen_path(address));
}

/* Does nothing if `path` is NULL. */
static void
check_file(struct host_checking *h, const char *section, const char *name,
    const char *path, int mode, const char *what)
{
	int code = path != NULL ? access_of_user(h->conf, path, mode) : 0;

	if (code != 0)
		report_access(h, section, name, "the user %s cannot %s %s: %s",
		    user_name(h->conf), what, path, strerror(code));
}

static void
check_zone(struct host_checking *h)
{
	char text[ERROR_MAX];
	struct dns_source *zone =
	    dns_zone_open(h->conf->zone, text, sizeof(text));

	if (zone == NULL) {
		host_check_error(h, "", "nameservers", "%s", text);
		return;
	}
	zone->close(zone);
	check_file(h, "", "nameservers", h->conf->zone, R_OK, "read");
}

static void
check_store(struct host_checking *h)
{
	const char *path = conf_store_file(h->conf);
	const char *name;
	struct stat st;

	if (path == NULL)
		return;
	name = path == h->conf->report.local_store ? "local_store" : "store";
	if (!check_folder(h, "report", name, path) || stat(path, &st) != 0)
		return;
	if (!S_ISREG(st.st_mode)) {
		host_check_error(
		    h, "report", name, "%s is not a regular file", path);
		return;
	}
	check_file(h, "report", name, path, R_OK | W_OK, "write");
}

bool
host_check(const struct conf *conf, FILE *errors, FILE *warnings)
{
	struct host_checking h = {
		.conf = conf, .errors = errors, .warnings = warnings
	};

	check_names(&h);
	check_socket(&h, "", "socket", conf->socket);
	check_socket(&h, "sign", "socket", conf->sign.socket);
	check_socket(&h, "metrics", "listen", conf->metrics.listen);
	check_file(&h, "sign", "senders", conf->sign.senders, R_OK, "read");
	check_file(&h, "sign", "publish", conf->sign.publish, X_OK, "run");
	check_store(&h);
	if (conf->zone != NULL)
		check_zone(&h);
	else
		host_check_resolvers(&h);
	return !h.failed;
}
