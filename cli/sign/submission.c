#include "cli/sign/submission.h"

#include <curl/curl.h>
#include <string.h>

enum { ADDRESS_ROOM = 512, REPLY_MAX = 300 };

struct submission_reader {
	struct span rest;
};

static size_t
read_message(char *to, size_t size, size_t n, void *arg)
{
	struct submission_reader *r = arg;
	struct span part = span_first(r->rest, size * n);

	memcpy(to, part.p, part.n);
	r->rest = span_skip(r->rest, part.n);
	return part.n;
}

/* Keeps the last reply line with which the server rejected a command. */
static size_t
keep_reply(char *line, size_t size, size_t n, void *arg)
{
	struct buf *reply = arg;

	if (size * n > 0 && (line[0] == '4' || line[0] == '5')) {
		buf_cut(reply, 0);
		buf_printable(
		    reply, span_trim(span_of(line, size * n)), REPLY_MAX);
	}
	return size * n;
}

static bool
is_loopback(const char *url)
{
	struct span host = span_str(url);
	size_t colon = span_index(host, ':');

	host = span_skip(host, colon + 3); /* "://" */
	host = span_first(host, span_index(host, '/'));
	return span_starts_nocase(host, "127.") ||
	    span_starts_nocase(host, "[::1]") ||
	    span_is_nocase(
		span_first(host, span_index(host, ':')), "localhost");
}

static void
set_security(CURL *curl, const struct submission *s)
{
	bool here = is_loopback(s->url);

	curl_easy_setopt(curl, CURLOPT_USE_SSL,
	    s->password != NULL && !here ? (long)CURLUSESSL_ALL
					 : (long)CURLUSESSL_TRY);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, here ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, here ? 0L : 2L);
	if (s->password == NULL)
		return;
	curl_easy_setopt(curl, CURLOPT_SASL_IR, 1L);
	curl_easy_setopt(curl, CURLOPT_USERNAME, s->login);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, s->password);
}

bool
submission_send(const struct submission *s, struct buf *error)
{
	struct submission_reader reader = { s->message };
	char from[ADDRESS_ROOM], to[ADDRESS_ROOM], why[CURL_ERROR_SIZE] = "";
	char text[REPLY_MAX + 1] = "";
	struct buf reply = buf_wrap(text, sizeof(text));
	struct curl_slist *list;
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	snprintf(from, sizeof(from), "<%s>", s->from);
	snprintf(to, sizeof(to), "<%s>", s->to);
	list = curl_slist_append(NULL, to);
	if (curl != NULL && list != NULL) {
		curl_easy_setopt(curl, CURLOPT_URL, s->url);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(
		    curl, CURLOPT_TIMEOUT, (long)SUBMISSION_SECONDS);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
		curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
		curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, list);
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
		curl_easy_setopt(curl, CURLOPT_READDATA, &reader);
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_reply);
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
		set_security(curl, s);
		code = curl_easy_perform(curl);
	}
	if (code != CURLE_OK) {
		buf_text(
		    error, why[0] != '\0' ? why : curl_easy_strerror(code));
		if (reply.n > 0)
			buf_printf(error, "; the server said: %s", text);
	}
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	return code == CURLE_OK;
}
