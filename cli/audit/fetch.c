#include "cli/audit/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "audit/domain/certificate.h"
#include "lib/buf.h"
#include "lib/domain.h"

enum {
	HTTPS_PORT = 443,
	SMTP_PORT = 25,
	URL_BYTES = 512,
	HTTP_OK = 200,
};

struct fetch {
	CURL *curl;
	struct curl_slist *addresses; /* for CURLOPT_RESOLVE */
	char error[CURL_ERROR_SIZE];
	struct buf body;
};

/* ---- set up ---- */

/* Returns an entry for CURLOPT_RESOLVE, such as
 * "host:443:192.0.2.1,[2001:db8::1]". */
static struct curl_slist *
resolve_list(const struct fetch_host *host, int port)
{
	char memory[URL_BYTES + FETCH_ADDRESSES_MAX * IP_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_printable(&b, host->name, DOMAIN_MAX);
	buf_printf(&b, ":%d:", port);
	for (size_t i = 0; i < host->n; i++) {
		bool is_v6 = host->addresses[i].family == IP_V6;

		buf_text(&b, i > 0 ? "," : "");
		buf_text(&b, is_v6 ? "[" : "");
		ip_put(&b, &host->addresses[i]);
		buf_text(&b, is_v6 ? "]" : "");
	}
	return b.full ? NULL : curl_slist_append(NULL, memory);
}

static bool
fetch_begin(struct fetch *f, const struct fetch_host *host, int port,
    const char *url, const char *protocol)
{
	const char *authorities = getenv("SSL_CERT_FILE");

	*f = (struct fetch){ .curl = curl_easy_init() };
	f->addresses = resolve_list(host, port);
	if (f->curl == NULL || f->addresses == NULL)
		return false;
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_PROTOCOLS_STR, protocol);
	curl_easy_setopt(f->curl, CURLOPT_RESOLVE, f->addresses);
	curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(f->curl, CURLOPT_TIMEOUT, (long)FETCH_SECONDS);
	curl_easy_setopt(f->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(f->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(
	    f->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (authorities != NULL)
		curl_easy_setopt(f->curl, CURLOPT_CAINFO, authorities);
	return true;
}

static void
fetch_end(struct fetch *f)
{
	curl_easy_cleanup(f->curl);
	curl_slist_free_all(f->addresses);
}

static const char *
why_of(const struct fetch *f, CURLcode code)
{
	return f->error[0] != '\0' ? f->error : curl_easy_strerror(code);
}

/* ---- the policy ---- */

/* A libcurl callback; returning fewer bytes than received ends the
 * transfer. */
static size_t
take_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	if (size * n > b->cap - 1 - b->n)
		return 0;
	buf_span(b, span_of(bytes, size * n));
	return size * n;
}

/* RFC 8461 section 3.2: the media type must be text/plain. */
static bool
is_plain_text(CURL *curl)
{
	char *type = NULL;

	return curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) ==
	    CURLE_OK &&
	    type != NULL && span_starts_nocase(span_str(type), "text/plain");
}

static void
judge_answer(struct fetch *f, CURLcode code, struct fetch_policy *out)
{
	long status = 0;

	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
		snprintf(out->why, sizeof(out->why),
		    "it is larger than %d bytes", STS_POLICY_MAX);
	else if (code != CURLE_OK)
		snprintf(out->why, sizeof(out->why), "%s", why_of(f, code));
	else if (status >= 300 && status < 400)
		snprintf(out->why, sizeof(out->why),
		    "the server sent a redirect (HTTP status %ld), which "
		    "senders do not follow",
		    status);
	else if (status != HTTP_OK)
		snprintf(out->why, sizeof(out->why), "HTTP status %ld", status);
	else if (!is_plain_text(f->curl))
		snprintf(out->why, sizeof(out->why),
		    "its media type is not text/plain");
	else
		out->text = buf_view(&f->body);
}

bool
fetch_sts_policy(
    const struct fetch_host *host, struct arena *a, struct fetch_policy *out)
{
	char memory[URL_BYTES];
	struct buf url = buf_wrap(memory, sizeof(memory));
	CURLcode code = CURLE_OUT_OF_MEMORY;
	struct fetch f;

	*out = (struct fetch_policy){ .text = SPAN_NONE };
	buf_text(&url, "https://");
	buf_printable(&url, host->name, DOMAIN_MAX);
	buf_text(&url, "/.well-known/mta-sts.txt");
	if (host->n == 0) {
		snprintf(out->why, sizeof(out->why),
		    "the mta-sts host has no address");
		return true;
	}
	if (fetch_begin(&f, host, HTTPS_PORT, memory, "https")) {
		f.body = buf_alloc(a, STS_POLICY_MAX + 1);
		curl_easy_setopt(
		    f.curl, CURLOPT_MAXFILESIZE, (long)STS_POLICY_MAX);
		curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, take_bytes);
		curl_easy_setopt(f.curl, CURLOPT_WRITEDATA, &f.body);
		if (f.body.p != NULL)
			code = curl_easy_perform(f.curl);
		if (code != CURLE_OUT_OF_MEMORY)
			judge_answer(&f, code, out);
	}
	fetch_end(&f);
	return code != CURLE_OUT_OF_MEMORY;
}

/* ---- SMTP ---- */

static size_t
drop_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

/* Reads the certificates, which libcurl returns in PEM format. */
static size_t
read_certificates(CURL *curl, struct arena *a, struct dane_certificate *chain)
{
	struct curl_certinfo *info = NULL;
	struct buf pem = buf_alloc(a, CERTIFICATE_PEM_MAX);

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK ||
	    info == NULL)
		return 0;
	for (int i = 0; i < info->num_of_certs; i++)
		for (struct curl_slist *s = info->certinfo[i]; s != NULL;
		     s = s->next)
			if (strncmp(s->data, "Cert:", 5) == 0) {
				buf_text(&pem, s->data + 5);
				buf_byte(&pem, '\n');
			}
	return certificate_read_chain(a, buf_view(&pem), chain);
}

/* Runs one session.  With `verify`, the certificate must be valid for the
 * host. */
static CURLcode
smtp_session(const struct fetch_host *host, bool verify, struct arena *a,
    struct audit_smtp *out, struct span *why)
{
	char memory[URL_BYTES];
	struct buf url = buf_wrap(memory, sizeof(memory));
	CURLcode code = CURLE_OUT_OF_MEMORY;
	struct fetch f;

	buf_text(&url, "smtp://");
	buf_printable(&url, host->name, DOMAIN_MAX);
	buf_printf(&url, ":%d", SMTP_PORT);
	if (fetch_begin(&f, host, SMTP_PORT, memory, "smtp")) {
		curl_easy_setopt(f.curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
		curl_easy_setopt(f.curl, CURLOPT_CERTINFO, 1L);
		curl_easy_setopt(f.curl, CURLOPT_CUSTOMREQUEST, "NOOP");
		curl_easy_setopt(f.curl, CURLOPT_NOBODY, 1L);
		curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, drop_bytes);
		curl_easy_setopt(
		    f.curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
		curl_easy_setopt(
		    f.curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
		code = curl_easy_perform(f.curl);
		if (code == CURLE_OK)
			out->n_chain = read_certificates(f.curl, a, out->chain);
	}
	*why = arena_copy(a, span_str(why_of(&f, code)));
	fetch_end(&f);
	return code;
}

bool
fetch_smtp(
    const struct fetch_host *host, struct arena *a, struct audit_smtp *out)
{
	struct span why;
	CURLcode code;

	*out = (struct audit_smtp){ .failure = "it has no address" };
	if (host->n == 0)
		return true;
	code = smtp_session(host, true, a, out, &why);
	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		out->untrusted = why.p;
		code = smtp_session(host, false, a, out, &why);
	}
	out->failure = NULL;
	out->has_tls = code == CURLE_OK;
	if (code != CURLE_OK && code != CURLE_USE_SSL_FAILED)
		out->failure = why.p;
	return code != CURLE_OUT_OF_MEMORY && !arena_has_failed(a);
}
