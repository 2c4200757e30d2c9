#include "report/receive/mime.h"

#include <gmime/gmime.h>
#include <string.h>

#include "lib/ascii.h"

/* ---- mbox ---- */

static const char from_line[] = "From ";

enum { FROM_LENGTH = sizeof(from_line) - 1 };

static bool
starts(struct span s, const char *text, size_t n)
{
	return s.n >= n && memcmp(s.p, text, n) == 0;
}

bool
mailbox_is_mbox(struct span bytes)
{
	return starts(bytes, from_line, FROM_LENGTH);
}

static struct span
line_end(struct span s)
{
	return span_skip(s, span_index(s, '\n') + 1);
}

/* "From " begins a message at the start of the file or after an empty line. */
bool
mailbox_next(struct span *rest, struct span *mail)
{
	bool empty = false;
	struct span at;

	if (!mailbox_is_mbox(*rest))
		return false;
	*rest = line_end(*rest);
	for (at = *rest; at.n > 0; at = line_end(at)) {
		if (empty && mailbox_is_mbox(at))
			break;
		empty = at.p[0] == '\n' || starts(at, "\r\n", 2);
	}
	*mail = span_first(*rest, rest->n - at.n);
	*rest = at;
	return true;
}

/* ---- limits ---- */

/* Whether GMime immediately parses the field into objects, such as addresses
 * and parameters. */
static bool
is_parsed_field(struct span line)
{
	static const char *const names[] = { "from", "sender", "reply-to", "to",
		"cc", "bcc" };
	struct span name = span_trim(span_first(line, span_index(line, ':')));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is_nocase(name, names[i]))
			return true;
	return span_starts_nocase(name, "content-") && name.n < line.n;
}

/* Whether the line would be a field if it were in a header. */
static bool
is_field(struct span line)
{
	struct span name = span_first(line, span_index(line, ':'));

	return name.n < line.n && span_all(span_trim(name), ascii_is_ftext);
}

static size_t
count_colons(struct span line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++)
		n += line.p[i] == ':';
	return n;
}

/*
 * GMime creates objects for all parts, fields, addresses and parameters as it
 * parses, so their number is checked first.  GMime limits nested multiparts to
 * 1024, but not nested groups of addresses, for which it recurses.
 */
const char *
mailbox_refusal(struct span mail)
{
	size_t boundaries = 0, fields = 0, colons = 0, parsed = 0;
	bool is_parsed = false;
	struct span next;

	if (mail.n > MAILBOX_MAIL_MAX)
		return "a message larger than 64 MiB";
	for (struct span at = mail; at.n > 0; at = next) {
		struct span line;

		next = line_end(at);
		line = span_first(at, at.n - next.n);
		boundaries += starts(at, "--", 2);
		if (at.p[0] != ' ' && at.p[0] != '\t') {
			is_parsed = is_parsed_field(line);
			fields += is_field(line);
			colons = 0;
		}
		if (is_parsed) {
			colons += count_colons(line);
			parsed += line.n;
		}
		if (colons > MAILBOX_COLONS_MAX)
			return "a message with too many address groups";
		if (parsed > MAILBOX_PARSED_MAX)
			return "a message with too many addresses or "
			       "parameters";
	}
	if (boundaries > MAILBOX_BOUNDARIES_MAX)
		return "a message with more than 20000 parts";
	if (fields > MAILBOX_FIELDS_MAX)
		return "a message with more than 100000 header fields";
	return NULL;
}

/* ---- parts ---- */

struct walk {
	mailbox_take *each;
	void *arg;
	struct span sender;
	enum mailbox_end end;
};

/* Decodes base64 that may lack its last "=" (RFC 4648 section 3.2), or
 * quoted-printable; the caller unreferences the result. */
static GByteArray *
decode(GMimeContentEncoding encoding, struct span text)
{
	GMimeEncoding state;
	GByteArray *out = g_byte_array_new();
	size_t n;

	g_mime_encoding_init_decode(&state, encoding);
	g_byte_array_set_size(
	    out, (guint)g_mime_encoding_outlen(&state, text.n + 2));
	n = g_mime_encoding_step(&state, text.p, text.n, (char *)out->data);
	if (encoding == GMIME_CONTENT_ENCODING_BASE64)
		n += g_mime_encoding_step(
		    &state, "==", 2, (char *)out->data + n);
	g_byte_array_set_size(out, (guint)n);
	return out;
}

/* Returns all bytes of a stream; the caller unreferences them. */
static GByteArray *
raw_bytes(GMimeStream *stream)
{
	GByteArray *bytes = g_byte_array_new();
	GMimeStream *to = g_mime_stream_mem_new_with_byte_array(bytes);

	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(to), FALSE);
	g_mime_stream_reset(stream);
	g_mime_stream_write_to_stream(stream, to);
	g_object_unref(to);
	return bytes;
}

static void
give(struct walk *w, struct mailbox_part part, GByteArray *bytes)
{
	part.bytes = span_of((const char *)bytes->data, bytes->len);
	part.sender = w->sender;
	if (!w->each(w->arg, &part))
		w->end = MAILBOX_STOPPED;
}

static bool
is_type(GMimeContentType *type, const char *media, const char *subtype)
{
	return type != NULL &&
	    g_mime_content_type_is_type(type, media, subtype);
}

static enum mailbox_kind
kind_of(GMimeContentType *type)
{
	if (is_type(type, "message", "feedback-report"))
		return MAILBOX_FEEDBACK;
	if (is_type(type, "message", "delivery-status") ||
	    is_type(type, "message", "global-delivery-status"))
		return MAILBOX_STATUS;
	return is_type(type, "text", "*") ? MAILBOX_TEXT : MAILBOX_FILE;
}

static void
take_part(struct walk *w, GMimePart *part)
{
	GMimeContentType *type =
	    g_mime_object_get_content_type(GMIME_OBJECT(part));
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
	GByteArray *raw, *bytes;

	/* HTML and images are never reports, and an image may be XML (SVG). */
	if (content == NULL || is_type(type, "text", "html") ||
	    is_type(type, "image", "*"))
		return;
	raw = raw_bytes(g_mime_data_wrapper_get_stream(content));
	bytes = decode(encoding, span_of((const char *)raw->data, raw->len));
	give(w,
	    (struct mailbox_part){
		.name = span_str(g_mime_part_get_filename(part)),
		.kind = kind_of(type) },
	    bytes);
	g_byte_array_unref(bytes);
	g_byte_array_unref(raw);
}

/* RFC 2046 section 5.2.1 forbids encoding a nested message, but some senders
 * encode it.  GMime sees such a message as plain text. */
static GMimeContentEncoding
encoding_of_mail(GMimeObject *parent)
{
	const char *text = GMIME_IS_MESSAGE_PART(parent)
	    ? g_mime_object_get_header(parent, "Content-Transfer-Encoding")
	    : NULL;
	GMimeContentEncoding encoding =
	    g_mime_content_encoding_from_string(text != NULL ? text : "");

	return encoding == GMIME_CONTENT_ENCODING_BASE64 ||
		encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
	    ? encoding
	    : GMIME_CONTENT_ENCODING_DEFAULT;
}

static void
take_encoded_mail(
    struct walk *w, GMimeObject *parent, GMimeContentEncoding encoding)
{
	GMimeMessage *mail =
	    g_mime_message_part_get_message(GMIME_MESSAGE_PART(parent));
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *raw, *bytes;

	if (mail != NULL)
		g_mime_object_write_to_stream(GMIME_OBJECT(mail), NULL, stream);
	raw = raw_bytes(stream);
	bytes = decode(encoding, span_of((const char *)raw->data, raw->len));
	give(w, (struct mailbox_part){ .name = SPAN("") }, bytes);
	g_byte_array_unref(bytes);
	g_byte_array_unref(raw);
	g_object_unref(stream);
}

static void
take_header(struct walk *w, GMimeMessagePart *part)
{
	GMimeMessage *mail = g_mime_message_part_get_message(part);
	char *text = mail != NULL
	    ? g_mime_object_get_headers(GMIME_OBJECT(mail), NULL)
	    : NULL;
	GByteArray *bytes;

	if (text == NULL)
		return;
	bytes = g_byte_array_new_take((guint8 *)text, strlen(text));
	give(w,
	    (struct mailbox_part){ .name = SPAN(""), .kind = MAILBOX_HEADER },
	    bytes);
	g_byte_array_unref(bytes);
}

static void
take_object(struct walk *w, GMimeObject *object, GMimeObject *parent)
{
	GMimeContentEncoding encoding = encoding_of_mail(parent);

	if (encoding != GMIME_CONTENT_ENCODING_DEFAULT)
		take_encoded_mail(w, parent, encoding);
	else if (GMIME_IS_PART(object))
		take_part(w, GMIME_PART(object));
	else if (GMIME_IS_MESSAGE_PART(object) &&
	    encoding_of_mail(object) == GMIME_CONTENT_ENCODING_DEFAULT)
		take_header(w, GMIME_MESSAGE_PART(object));
}

/* Visits all parts, including those of nested messages, without recursion. */
static void
walk_message(struct walk *w, GMimeMessage *message, const char **reason)
{
	GMimePartIter *at = g_mime_part_iter_new(GMIME_OBJECT(message));
	size_t parts = 0;

	if (g_mime_part_iter_is_valid(at)) {
		do {
			if (++parts > MAILBOX_PARTS_MAX) {
				*reason = "a message with more than 1000 parts";
				w->end = MAILBOX_REFUSED;
			} else {
				take_object(w, g_mime_part_iter_get_current(at),
				    g_mime_part_iter_get_parent(at));
			}
		} while (w->end == MAILBOX_DONE && g_mime_part_iter_next(at));
	}
	g_mime_part_iter_free(at);
}

/* Returns the first address in From, or an empty span. */
static struct span
sender_of(GMimeMessage *message)
{
	InternetAddressList *from = g_mime_message_get_from(message);
	InternetAddress *first =
	    from != NULL && internet_address_list_length(from) > 0
	    ? internet_address_list_get_address(from, 0)
	    : NULL;

	return span_str(first != NULL && INTERNET_ADDRESS_IS_MAILBOX(first)
		? internet_address_mailbox_get_addr(
		      INTERNET_ADDRESS_MAILBOX(first))
		: "");
}

static GMimeMessage *
parse(struct span mail)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail.p, mail.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

enum mailbox_end
mailbox_each_part(
    struct span mail, mailbox_take *each, void *arg, const char **reason)
{
	struct walk w = { .each = each, .arg = arg, .end = MAILBOX_DONE };
	GMimeMessage *message;

	*reason = mailbox_refusal(mail);
	if (*reason != NULL)
		return MAILBOX_REFUSED;
	g_mime_init();
	message = parse(mail);
	if (message == NULL) {
		*reason = "not a valid mail message";
		return MAILBOX_REFUSED;
	}
	w.sender = sender_of(message);
	walk_message(&w, message, reason);
	g_object_unref(message);
	return w.end;
}
