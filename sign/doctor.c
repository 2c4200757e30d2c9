#include "sign/doctor.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

struct doctor_setting {
	struct span name, value;
};

struct doctor_service {
	struct span name, type, command; /* "submission", "inet", "smtpd" */
	size_t n;
	struct doctor_setting settings[DOCTOR_SETTINGS_MAX]; /* -o options */
};

struct doctor {
	const struct doctor_input *in;
	struct doctor_service main; /* its settings are in main_settings */
	struct doctor_setting *main_settings;
	size_t n_main;
	struct doctor_service *services;
	size_t n;
};

/* ---- reading ---- */

static bool
is_word_byte(unsigned char c)
{
	return !ascii_is_space(c);
}

/* Parses NAME=VALUE or NAME = VALUE, with or without braces around it. */
static struct doctor_setting
setting_read(struct span text)
{
	struct span name;

	text = span_trim(text);
	if (text.n > 1 && text.p[0] == '{' && text.p[text.n - 1] == '}')
		text = span_trim(span_of(text.p + 1, text.n - 2));
	name = span_first(text, span_index(text, '='));
	return (struct doctor_setting){ .name = span_trim(name),
		.value = span_trim(span_skip(text, name.n + 1)) };
}

static bool
main_read(struct arena *a, struct doctor *d, struct span text)
{
	struct scan all = scan_of(text);

	for (size_t i = 0; i < text.n; i++)
		d->n_main += text.p[i] == '\n';
	d->main_settings =
	    arena_array(a, d->n_main + 1, sizeof(*d->main_settings));
	d->n_main = 0;
	while (d->main_settings != NULL && !scan_done(&all)) {
		d->main_settings[d->n_main++] =
		    setting_read(scan_until(&all, '\n'));
		(void)scan_byte(&all, '\n');
	}
	return d->main_settings != NULL;
}

static struct span
service_word(struct scan *s)
{
	(void)scan_while(s, ascii_is_space);
	return scan_while(s, is_word_byte);
}

/* Parses "submission inet n - y - - smtpd". */
static void
service_read(struct doctor_service *service, struct span line)
{
	struct scan s = scan_of(line);

	service->name = service_word(&s);
	service->type = service_word(&s);
	for (int i = 0; i < 5; i++)
		(void)service_word(&s);
	service->command = service_word(&s);
}

static bool
master_read(struct arena *a, struct doctor *d, struct span text)
{
	struct scan all = scan_of(text);
	struct doctor_service *last = NULL;

	d->services = arena_array(a, DOCTOR_SERVICES_MAX, sizeof(*last));
	while (d->services != NULL && !scan_done(&all)) {
		struct span line = scan_until(&all, '\n');
		struct span inner = span_trim(line);

		(void)scan_byte(&all, '\n');
		if (inner.n == 0 || inner.p[0] == '#')
			continue;
		if (inner.p == line.p && d->n < DOCTOR_SERVICES_MAX) {
			last = &d->services[d->n++];
			service_read(last, line);
		} else if (last != NULL && last->n < DOCTOR_SETTINGS_MAX &&
		    span_starts_nocase(inner, "-o")) {
			last->settings[last->n++] =
			    setting_read(span_skip(inner, 2));
		}
	}
	return d->services != NULL;
}

/* ---- effective settings ---- */

static const struct doctor_setting *
settings_find(const struct doctor_setting *settings, size_t n, const char *name)
{
	for (size_t i = n; i-- > 0;)
		if (span_is(settings[i].name, name))
			return &settings[i];
	return NULL;
}

/* Returns the value of a setting for a service, or "" if it is not set.  Sets
 * `is_own` to whether the service overrides main.cf. */
static struct span
value_of(const struct doctor *d, const struct doctor_service *service,
    const char *name, bool *is_own)
{
	const struct doctor_setting *found =
	    settings_find(service->settings, service->n, name);

	*is_own = found != NULL;
	if (found == NULL)
		found = settings_find(d->main_settings, d->n_main, name);
	return found != NULL ? found->value : SPAN("");
}

static void
find(const struct doctor *d, const struct doctor_service *service, bool is_own,
    const char *name, struct span value, const char *text)
{
	d->in->found(d->in->arg, is_own ? service->name : SPAN_NONE,
	    span_str(name), value, text);
}

/* ---- lists of milters ---- */

struct milter_list {
	struct scan s;
	struct span item; /* without braces: "inet:host:1, default_action=x" */
};

static bool
milter_next(struct milter_list *list)
{
	while (!scan_done(&list->s)) {
		int c = scan_peek(&list->s);

		if (c == ',' || ascii_is_space((unsigned char)c)) {
			(void)scan_next(&list->s);
		} else if (scan_byte(&list->s, '{')) {
			list->item = span_trim(scan_until(&list->s, '}'));
			(void)scan_byte(&list->s, '}');
			return true;
		} else {
			const char *from = list->s.p;

			while (!scan_done(&list->s) &&
			    scan_peek(&list->s) != ',' &&
			    !ascii_is_space((unsigned char)scan_peek(&list->s)))
				(void)scan_next(&list->s);
			list->item = span_between(from, list->s.p);
			return true;
		}
	}
	return false;
}

/* Whether a Postfix endpoint, inet:HOST:PORT or unix:PATH, is our socket,
 * inet:PORT@HOST or unix:PATH.  Postfix may see the path from a chroot. */
static bool
is_our_milter(const struct doctor *d, struct span item)
{
	struct scan s = scan_of(item);
	struct span where = scan_until(&s, ',');
	struct span ours = span_str(d->in->socket);

	while (
	    where.n > 0 && ascii_is_space((unsigned char)where.p[where.n - 1]))
		where.n--;
	if (ours.n == 0)
		return false;
	if (span_starts_nocase(ours, "inet")) {
		ours = span_skip(ours, span_index(ours, ':') + 1);
		ours = span_first(ours, span_index(ours, '@'));
		return span_starts_nocase(where, "inet") &&
		    span_equal(
			span_skip(where, span_rindex(where, ':') + 1), ours);
	}
	return span_starts_nocase(where, "unix:") &&
	    span_equal(span_skip(where, span_rindex(where, '/') + 1),
		span_skip(ours, span_rindex(ours, '/') + 1));
}

/* Returns the signer in a list of milters; absent if it is not in the list.
 * `follower` is the milter after it, or absent. */
static struct span
signer_of(const struct doctor *d, struct span milters, struct span *follower)
{
	struct milter_list list = { .s = scan_of(milters) };
	struct span signer = SPAN_NONE;

	*follower = SPAN_NONE;
	while (milter_next(&list)) {
		if (signer.p != NULL && follower->p == NULL)
			*follower = list.item;
		if (signer.p == NULL && is_our_milter(d, list.item))
			signer = list.item;
	}
	return signer;
}

static bool
span_has_text(struct span s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* ---- the checks ---- */

static bool
is_smtpd(const struct doctor_service *service)
{
	return span_is(service->command, "smtpd");
}

/* Finds filters that may change mail after it is signed. */
static void
check_filters(const struct doctor *d, const struct doctor_service *service)
{
	static const struct {
		const char *name, *text;
	} filters[] = {
		{ "content_filter",
		    "the filter gets mail after it is signed, and any change "
		    "it makes breaks the signature; sign on the port where the "
		    "filter hands mail back, and set no milter here" },
		{ "smtpd_proxy_filter",
		    "the filter gets mail after it is signed, and any change "
		    "it makes breaks the signature; sign on the port where the "
		    "filter hands mail back, and set no milter here" },
	};
	bool is_own;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct span value =
		    value_of(d, service, filters[i].name, &is_own);

		if (value.n > 0)
			d->in->found(d->in->arg, service->name,
			    span_str(filters[i].name), value, filters[i].text);
	}
}

static void
check_signer(const struct doctor *d, const struct doctor_service *service,
    const char *name, struct span signer, struct span follower)
{
	bool is_own;
	struct span action =
	    value_of(d, service, "milter_default_action", &is_own);

	/* for a socket that verifies too, accept is right */
	if (!d->in->needs_login &&
	    (span_has_text(signer, "default_action=accept") ||
		(span_is(action, "accept") &&
		    !span_has_text(signer, "default_action="))))
		d->in->found(d->in->arg, service->name, span_str(name), signer,
		    "mail is sent unsigned while the signer is not running; "
		    "write { SOCKET, default_action=tempfail }");
	if (follower.p != NULL)
		d->in->found(d->in->arg, service->name, span_str(name),
		    follower,
		    "this milter comes after the signer and may change the "
		    "message; put the signer last");
}

/* Finds services that sign a second time when a filter hands mail back. */
static void
check_reinjection(const struct doctor *d, const struct doctor_service *service)
{
	bool is_own;
	struct span filter = value_of(d, service, "content_filter", &is_own);
	struct span options;

	if (!is_own || filter.n > 0)
		return;
	options = value_of(d, service, "receive_override_options", &is_own);
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_service *other = &d->services[i];
		struct span follower;

		if (!is_smtpd(other) || other == service ||
		    value_of(d, other, "content_filter", &is_own).n == 0 ||
		    signer_of(d, value_of(d, other, "smtpd_milters", &is_own),
			&follower)
			    .p == NULL ||
		    span_has_text(options, "no_milters"))
			continue;
		d->in->found(d->in->arg, service->name,
		    SPAN("receive_override_options"), options,
		    "mail that the filter hands back is signed a second time; "
		    "add no_milters here, or sign only here");
		return;
	}
}

/* Finds settings of smtp(8) that change outgoing mail. */
static void
check_client(const struct doctor *d, const struct doctor_service *service)
{
	static const struct {
		const char *name, *text;
	} rewrites[] = {
		{ "smtp_generic_maps",
		    "addresses are changed after the message is signed; use "
		    "canonical_maps, which come before the signer" },
		{ "smtp_header_checks",
		    "header fields are changed after the message is signed; "
		    "use header_checks, which come before the signer" },
		{ "smtp_mime_header_checks",
		    "header fields are changed after the message is signed; "
		    "use mime_header_checks" },
		{ "smtp_nested_header_checks",
		    "header fields are changed after the message is signed; "
		    "use nested_header_checks" },
		{ "smtp_body_checks",
		    "the body is changed after the message is signed; use "
		    "body_checks" },
	};
	bool is_own;

	for (size_t i = 0; i < ARRAY_SIZE(rewrites); i++) {
		struct span value =
		    value_of(d, service, rewrites[i].name, &is_own);

		if (value.n > 0 && (is_own || service == &d->main))
			find(d, service, is_own, rewrites[i].name, value,
			    rewrites[i].text);
	}
}

/* The client that hands mail to a content filter must not convert the mail. */
static void
check_filter_client(
    const struct doctor *d, const struct doctor_service *service)
{
	bool is_own;
	struct span filter = value_of(d, service, "content_filter", &is_own);
	struct span transport = span_first(filter, span_index(filter, ':'));

	for (size_t i = 0; filter.n > 0 && i < d->n; i++) {
		const struct doctor_service *client = &d->services[i];

		if (!span_equal(client->name, transport) ||
		    (!span_is(client->command, "smtp") &&
			!span_is(client->command, "lmtp")) ||
		    span_is(value_of(d, client,
				"disable_mime_output_conversion", &is_own),
			"yes"))
			continue;
		d->in->found(d->in->arg, client->name,
		    SPAN("disable_mime_output_conversion"), SPAN("no"),
		    "8-bit mail is converted on its way to the filter, which "
		    "breaks existing signatures; add -o "
		    "disable_mime_output_conversion=yes");
		return;
	}
}

/* Checks whether header_checks, such as "pcre:/path, regexp:/path", removes
 * Received fields, which confuses filters that look at them (MILTER_README). */
static void
check_received(const struct doctor *d)
{
	bool is_own;
	struct span maps = value_of(d, &d->main, "header_checks", &is_own);
	struct scan s = scan_of(maps);

	while (!scan_done(&s)) {
		struct span map = span_trim(scan_until(&s, ','));
		struct span path = span_skip(map, span_index(map, ':') + 1);
		struct scan text = scan_of(
		    path.n > 0 ? d->in->read(d->in->arg, path) : SPAN_NONE);

		(void)scan_byte(&s, ',');
		while (!scan_done(&text)) {
			struct span line = span_trim(scan_until(&text, '\n'));

			(void)scan_byte(&text, '\n');
			if (line.n == 0 || line.p[0] == '#' ||
			    !span_has_text(line, "Received") ||
			    !span_has_text(line, "IGNORE"))
				continue;
			find(d, &d->main, false, "header_checks", map,
			    "it removes Received fields, which MILTER_README "
			    "says causes problems with mail signing filters; "
			    "remove that line");
			return;
		}
	}
}

static void
check_main(const struct doctor *d)
{
	bool is_own;
	struct span follower;
	struct span milters =
	    value_of(d, &d->main, "non_smtpd_milters", &is_own);
	struct span classes =
	    value_of(d, &d->main, "internal_mail_filter_classes", &is_own);
	struct span signer = signer_of(d, milters, &follower);

	if (d->in->needs_login)
		find(d, &d->main, false, "non_smtpd_milters", milters,
		    "without sign.socket, avouch signs only mail of clients "
		    "that logged in: mail sent with sendmail(1) and bounces "
		    "are not signed; set sign.socket in avouch.conf, and use "
		    "that socket here");
	else if (signer.p == NULL)
		find(d, &d->main, false, "non_smtpd_milters", milters,
		    "mail sent with sendmail(1), for example by programs on "
		    "this host, is not signed; add the signer");
	else
		check_signer(
		    d, &d->main, "non_smtpd_milters", signer, follower);
	if (!d->in->needs_login && !span_has_text(classes, "bounce"))
		find(d, &d->main, false, "internal_mail_filter_classes",
		    classes,
		    "bounces from this host are not signed; write "
		    "internal_mail_filter_classes = bounce");
	if (signer.p != NULL && !d->in->needs_login)
		for (size_t i = 0; i < d->n; i++)
			if (span_is(d->services[i].command, "pickup"))
				check_filters(d, &d->services[i]);
	check_client(d, &d->main);
	check_received(d);
}

static bool
check_service(const struct doctor *d, const struct doctor_service *service)
{
	bool is_own;
	struct span follower, signer;

	if (span_is(service->command, "smtp") ||
	    span_is(service->command, "lmtp"))
		check_client(d, service);
	if (!is_smtpd(service))
		return false;
	check_filter_client(d, service);
	signer = signer_of(
	    d, value_of(d, service, "smtpd_milters", &is_own), &follower);
	if (signer.p == NULL ||
	    span_has_text(
		value_of(d, service, "receive_override_options", &is_own),
		"no_milters"))
		return false;
	check_signer(d, service, "smtpd_milters", signer, follower);
	check_filters(d, service);
	check_reinjection(d, service);
	return true;
}

bool
doctor_check(struct arena *a, const struct doctor_input *in)
{
	struct doctor d = { .in = in };
	bool signs = false;

	if (!main_read(a, &d, in->main) || !master_read(a, &d, in->master))
		return false;
	check_main(&d);
	for (size_t i = 0; i < d.n; i++)
		signs |= check_service(&d, &d.services[i]);
	if (!signs)
		find(&d, &d.main, false, "smtpd_milters", SPAN(""),
		    "no smtpd(8) service uses the signer: mail from users is "
		    "not signed; add the signer to the submission service in "
		    "master.cf");
	return true;
}
