#include "report/receive/bounce.h"

#include <gmime/gmime.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"

/* ---- what the parts hold ---- */

static bool
next_line(struct scan *s, struct span *line)
{
	if (scan_done(s))
		return false;
	*line = span_trim(scan_until(s, '\n'));
	scan_byte(s, '\n');
	return true;
}

/* "Name: value" */
static bool
is_field(struct span line, const char *name, struct span *value)
{
	size_t colon = span_index(line, ':');

	if (colon == line.n ||
	    !span_is_nocase(span_trim(span_first(line, colon)), name))
		return false;
	*value = span_trim(span_skip(line, colon + 1));
	return true;
}

/* ID.NUMBER@HOST, as send/deliver.c builds it. */
static void
read_message_id(struct span text, struct bounce *out)
{
	struct scan s = scan_of(text);
	struct buf id = buf_wrap(out->report_id, sizeof(out->report_id));
	uint64_t number;

	scan_byte(&s, '<');
	buf_span(&id, scan_while(&s, ascii_is_alnum));
	if (id.n > 0 && !id.full && scan_byte(&s, '.') &&
	    scan_number(&s, INT64_MAX, &number) && scan_byte(&s, '@'))
		out->delivery = (int64_t)number;
	else
		out->report_id[0] = '\0';
}

/* Message-ID of a returned header (RFC 6522 section 4); it may be folded. */
static void
read_head(struct span text, struct bounce *out)
{
	struct scan s = scan_of(text);
	struct span line, value;

	while (next_line(&s, &line)) {
		if (!is_field(line, "Message-ID", &value))
			continue;
		if (value.n == 0)
			next_line(&s, &value);
		read_message_id(value, out);
		return;
	}
}

/* RFC 3464 section 2.3: fields of the recipients, one group for each. */
static void
read_status(struct span text, struct bounce *out)
{
	struct scan s = scan_of(text);
	struct span line, value, status = SPAN_NONE, words = SPAN_NONE;
	bool failed = false;

	while (next_line(&s, &line)) {
		if (is_field(line, "Action", &value))
			failed |= span_is_nocase(value, "failed");
		if (is_field(line, "Status", &value))
			status = value;
		if (is_field(line, "Diagnostic-Code", &value))
			words = value;
	}
	if (failed) {
		struct buf note = buf_wrap(out->note, sizeof(out->note));

		out->code = BOUNCE_OURS;
		buf_printable(&note, status, 20);
		buf_byte(&note, ' ');
		buf_printable(&note, words, BOUNCE_NOTE_MAX);
	} else if (out->code == BOUNCE_OTHER) {
		out->code = BOUNCE_DELAYED;
	}
}

/* ---- GMime ---- */

/* The decoded bytes of a part; the caller unreferences them. */
static GByteArray *
part_bytes(GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GByteArray *bytes = g_byte_array_new();
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);

	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	if (content != NULL)
		g_mime_data_wrapper_write_to_stream(content, stream);
	g_object_unref(stream);
	return bytes;
}

static bool
is_type(GMimeObject *object, const char *type, const char *subtype)
{
	GMimeContentType *t = g_mime_object_get_content_type(object);

	return t != NULL && g_mime_content_type_is_type(t, type, subtype);
}

static void
read_text(GMimeObject *object, void (*read)(struct span, struct bounce *),
    struct bounce *out)
{
	GByteArray *bytes;

	if (!GMIME_IS_PART(object))
		return;
	bytes = part_bytes(GMIME_PART(object));
	read(span_first(span_of((const char *)bytes->data, bytes->len),
		 BOUNCE_TEXT_MAX),
	    out);
	g_byte_array_unref(bytes);
}

static void
read_part(GMimeObject *object, struct bounce *out)
{
	if (is_type(object, "message", "delivery-status")) {
		read_text(object, read_status, out);
	} else if (is_type(object, "text", "rfc822-headers")) {
		read_text(object, read_head, out);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *m =
		    g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
		const char *id =
		    m != NULL ? g_mime_message_get_message_id(m) : NULL;

		if (id != NULL)
			read_message_id(span_str(id), out);
	}
}

static void
read_message(GMimeMessage *message, struct bounce *out)
{
	GMimeObject *root = g_mime_message_get_mime_part(message);
	GMimeMultipart *all;

	if (root == NULL || !GMIME_IS_MULTIPART(root) ||
	    !is_type(root, "multipart", "report"))
		return;
	all = GMIME_MULTIPART(root);
	for (int i = 0;
	     i < g_mime_multipart_get_count(all) && i < BOUNCE_PARTS_MAX; i++)
		read_part(g_mime_multipart_get_part(all, i), out);
}

void
bounce_read(struct span message, struct bounce *out)
{
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeMessage *read;

	*out = (struct bounce){ .code = BOUNCE_OTHER };
	g_mime_init();
	message = span_first(message, BOUNCE_MESSAGE_MAX);
	stream = g_mime_stream_mem_new_with_buffer(message.p, message.n);
	parser = g_mime_parser_new_with_stream(stream);
	read = g_mime_parser_construct_message(parser, NULL);
	if (read != NULL) {
		read_message(read, out);
		g_object_unref(read);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	if (out->report_id[0] == '\0')
		out->code = BOUNCE_OTHER;
}

/* ---- the ledger ---- */

struct search {
	const struct bounce *bounce;
	struct arena *a;
	struct span address;
};

static bool
find_delivery(void *arg, const struct ledger_delivery *d)
{
	struct search *s = arg;

	if (d->id == s->bounce->delivery && d->attempts > 0)
		s->address = arena_copy(s->a, d->destination);
	return true;
}

enum ledger_step
bounce_note(struct ledger *l, const struct bounce *b, int64_t now,
    struct arena *a, struct ledger_bounce *noted)
{
	struct search s = { .bounce = b, .a = a, .address = SPAN_NONE };
	struct ledger_want want = { .day = -1,
		.report_id = span_str(b->report_id) };
	enum ledger_step step =
	    ledger_each_delivery(l, &want, find_delivery, &s);

	if (step == LEDGER_ERROR)
		return step;
	if (s.address.p == NULL)
		return LEDGER_NONE;
	step = ledger_get_bounce(l, s.address, a, noted);
	if (step == LEDGER_ERROR)
		return step;
	if (step == LEDGER_NONE)
		*noted = (struct ledger_bounce){ .address = s.address,
			.first = now };
	noted->count++;
	noted->last = now;
	noted->suppressed = true;
	noted->note = span_str(b->note);
	return ledger_put_bounce(l, noted);
}
