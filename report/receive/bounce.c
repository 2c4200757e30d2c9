#include "report/receive/bounce.h"

#include <gmime/gmime.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"
#include "mail/lex.h"
#include "report/receive/mime.h"
#include "report/receive/part_field.h"

/* ---- the Message-ID ---- */

/* Parses <ID.PROOF.NUMBER@HOST>, as written by send/deliver.c. */
static void
read_message_id(struct span text, struct bounce *out)
{
	struct scan s = scan_of(text);
	struct buf id = buf_wrap(out->report_id, sizeof(out->report_id));
	uint64_t number;

	scan_byte(&s, '<');
	buf_span(&id, scan_while(&s, ascii_is_alnum));
	if (id.n > 0 && !id.full && scan_byte(&s, '.') &&
	    scan_number(&s, UINT64_MAX, &out->proof) && scan_byte(&s, '.') &&
	    scan_number(&s, INT64_MAX, &number) && scan_byte(&s, '@'))
		out->delivery = (int64_t)number;
	else
		out->report_id[0] = '\0';
}

/* Finds Message-ID in a returned header (RFC 6522 section 4). */
static void
read_head(struct span text, struct bounce *out)
{
	struct scan s = scan_of(text);
	struct span name, value;

	while (part_field_next(&s, &name, &value)) {
		if (!span_is_nocase(name, "Message-ID"))
			continue;
		read_message_id(value, out);
		return;
	}
}

/* ---- the status: groups of fields (RFC 3464 section 2) ---- */

struct status_group {
	bool has_action, failed;
	bool is_own; /* about the address that we sent the report to */
	struct span status, words;
};

static bool
is_action_byte(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* RFC 3464 section 2.1.1: there may be comments around the value. */
static bool
is_failed(struct span action)
{
	struct scan s = scan_of(action);

	(void)mail_skip_cfws_any(&s);
	return span_is_nocase(scan_while(&s, is_action_byte), "failed");
}

static bool
is_address_byte(unsigned char c)
{
	return c > ' ' && c != '(' && c != '<' && c != '>';
}

/* Whether a value such as "rfc822; a@b.example" or "utf-8; ..." (RFC 6533
 * section 3) contains `address`. */
static bool
is_recipient(struct span value, struct span address)
{
	struct scan s = scan_of(value);

	(void)scan_until(&s, ';');
	scan_byte(&s, ';');
	(void)mail_skip_cfws_any(&s);
	scan_byte(&s, '<');
	return address.n > 0 &&
	    span_equal_nocase(scan_while(&s, is_address_byte), address);
}

/* Reads the fields up to an empty line.  The first group is about the whole
 * message. */
static struct status_group
next_group(struct scan *s, struct span address)
{
	struct status_group g = { .status = SPAN(""), .words = SPAN("") };
	struct span name, value;

	while (!scan_done(s) && part_field_next(s, &name, &value)) {
		if (span_is_nocase(name, "Action")) {
			g.has_action = true;
			g.failed = is_failed(value);
		} else if (span_is_nocase(name, "Final-Recipient") ||
		    span_is_nocase(name, "Original-Recipient")) {
			g.is_own = g.is_own || is_recipient(value, address);
		} else if (span_is_nocase(name, "Status")) {
			g.status = value;
		} else if (span_is_nocase(name, "Diagnostic-Code")) {
			g.words = value;
		}
	}
	return g;
}

/*
 * RFC 3464 section 2.3: each group is about one recipient.  If none is about
 * `address`, then `address` may be an alias for several recipients, and
 * delivery failed only if it failed for all of them.  If `address` is unknown
 * (absent), one failed recipient suffices.
 */
static enum bounce_code
judge_status(struct span text, struct span address, struct buf *note)
{
	struct scan s = scan_of(text);
	bool own = false, own_failed = false, failed = false, others = false;

	while (!scan_done(&s)) {
		struct status_group g = next_group(&s, address);

		own = own || g.is_own;
		own_failed = own_failed || (g.is_own && g.failed);
		failed = failed || g.failed;
		others = others || (g.has_action && !g.failed);
		if (!g.failed || (own && !g.is_own))
			continue;
		buf_cut(note, 0);
		buf_printable(note, g.status, 20);
		buf_byte(note, ' ');
		buf_printable(note, g.words, BOUNCE_NOTE_MAX);
	}
	if (own)
		failed = own_failed;
	else if (address.n > 0)
		failed = failed && !others;
	return failed ? BOUNCE_OURS : BOUNCE_DELAYED;
}

static void
read_status(struct span text, struct bounce *out)
{
	struct buf status = buf_wrap(out->status, sizeof(out->status));
	struct buf note = buf_wrap(out->note, sizeof(out->note));

	buf_span(&status, text);
	out->code = judge_status(buf_view(&status), SPAN_NONE, &note);
}

/* ---- GMime ---- */

/* Returns the decoded bytes of a part; the caller unreferences them. */
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
	if (is_type(object, "message", "delivery-status") ||
	    is_type(object, "message", "global-delivery-status")) {
		read_text(object, read_status, out);
	} else if (is_type(object, "text", "rfc822-headers") ||
	    is_type(object, "message", "global-headers") ||
	    (is_type(object, "message", "global") && GMIME_IS_PART(object))) {
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
	message = span_first(message, BOUNCE_MESSAGE_MAX);
	if (mailbox_refusal(message) != NULL)
		return;
	g_mime_init();
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

/* ---- the store ---- */

struct search {
	const struct bounce *bounce;
	struct hash_secret seed;
	struct arena *a;
	struct span address;
};

static bool
find_delivery(void *arg, const struct ledger_delivery *d)
{
	struct search *s = arg;

	if (d->id == s->bounce->delivery && d->attempts > 0 &&
	    ledger_delivery_proof(s->seed, d) == s->bounce->proof)
		s->address = arena_copy(s->a, d->destination);
	return true;
}

enum ledger_step
bounce_note(struct ledger *l, struct bounce *b, int64_t now, struct arena *a,
    struct ledger_bounce *noted)
{
	struct buf note = buf_wrap(b->note, sizeof(b->note));
	struct search s = { .bounce = b, .a = a, .address = SPAN_NONE };
	struct ledger_want want = { .day = -1,
		.report_id = span_str(b->report_id) };
	enum ledger_step step = ledger_seed(l, &s.seed);

	if (step == LEDGER_OK)
		step = ledger_each_delivery(l, &want, find_delivery, &s);
	if (step == LEDGER_ERROR)
		return step;
	if (s.address.p == NULL)
		return LEDGER_NONE;
	b->code = judge_status(span_str(b->status), s.address, &note);
	if (b->code != BOUNCE_OURS)
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
