#include "report/receive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

enum { CANON_BLOCK_SIZE = 16384 }; /* bytes passed to libarchive per read */

struct unpack {
	struct archive *archive;
	enum unpack_kind kind;
	int64_t out; /* bytes of output */
	unsigned entries;
	char name[UNPACK_NAME_MAX + 1];
	char error[UNPACK_ERROR_MAX];
};

enum unpack_kind
unpack_kind(struct span bytes)
{
	static const char zip[] = "PK\3\4", gzip[] = "\x1f\x8b";

	if (bytes.n >= 4 && memcmp(bytes.p, zip, 4) == 0)
		return UNPACK_ZIP;
	if (bytes.n >= 2 && memcmp(bytes.p, gzip, 2) == 0)
		return UNPACK_GZIP;
	return UNPACK_NOT;
}

/* libarchive sees a gzip file as a raw stream behind a filter: an archive
 * with one file. */
static bool
unpack_begin(struct archive *a, struct span bytes, enum unpack_kind kind)
{
	int ready = kind == UNPACK_ZIP ? archive_read_support_format_zip(a)
	    : archive_read_support_filter_gzip(a) == ARCHIVE_OK
	    ? archive_read_support_format_raw(a)
	    : ARCHIVE_FATAL;

	return ready == ARCHIVE_OK &&
	    archive_read_open_memory2(a, bytes.p, bytes.n, CANON_BLOCK_SIZE) ==
	    ARCHIVE_OK;
}

static void
fail(struct unpack *u, const char *what, const char *why)
{
	struct buf b = buf_wrap(u->error, sizeof(u->error));

	buf_text(&b, what);
	if (why == NULL)
		return;
	buf_text(&b, ": ");
	buf_printable(&b, span_str(why), 100);
}

struct unpack *
unpack_open(struct span bytes, enum unpack_kind kind)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->kind = kind;
	u->archive = archive_read_new();
	if (u->archive == NULL) {
		free(u);
		return NULL;
	}
	if (!unpack_begin(u->archive, bytes, kind))
		fail(u, "cannot be unpacked", archive_error_string(u->archive));
	return u;
}

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	archive_read_free(u->archive);
	free(u);
}

static void
note_name(struct unpack *u, struct archive_entry *entry)
{
	struct buf b = buf_wrap(u->name, sizeof(u->name));
	const char *name = archive_entry_pathname(entry);

	if (u->kind == UNPACK_ZIP)
		buf_printable(&b, span_str(name), UNPACK_NAME_MAX);
}

/* Whether the format was recognized; libarchive accepts any other data as a raw
 * stream. */
static bool
is_unpacked(const struct unpack *u)
{
	return u->kind == UNPACK_ZIP ||
	    archive_filter_code(u->archive, 0) == ARCHIVE_FILTER_GZIP;
}

enum unpack_step
unpack_next(struct unpack *u, struct span *name)
{
	struct archive_entry *entry;
	int step;

	if (u->error[0] != '\0')
		return UNPACK_FAULT;
	while ((step = archive_read_next_header(u->archive, &entry)) ==
		ARCHIVE_OK ||
	    step == ARCHIVE_WARN) {
		if (++u->entries > UNPACK_ENTRIES_MAX) {
			fail(u, "it contains more than 1000 files", NULL);
			return UNPACK_FAULT;
		}
		if (archive_entry_filetype(entry) != AE_IFREG)
			continue;
		if (archive_entry_is_data_encrypted(entry)) {
			fail(u, "encrypted; cannot be unpacked", NULL);
			return UNPACK_FAULT;
		}
		if (!is_unpacked(u)) {
			fail(u, "corrupt; cannot be unpacked", NULL);
			return UNPACK_FAULT;
		}
		note_name(u, entry);
		*name = span_str(u->name);
		return UNPACK_FILE;
	}
	if (step == ARCHIVE_EOF && u->entries > 0)
		return UNPACK_END;
	fail(u, "corrupt or cut off; cannot be unpacked",
	    archive_error_string(u->archive));
	return UNPACK_FAULT;
}

/* Whether the amount of output is plausible for the input read so far. */
static bool
within_bounds(struct unpack *u)
{
	int64_t in = archive_filter_bytes(u->archive, -1);

	if (u->out > UNPACK_BYTES_MAX)
		fail(u, "a decompression bomb: it unpacks to more than 512 MiB",
		    NULL);
	else if (u->out > UNPACK_FREE && u->out / UNPACK_RATIO_MAX > in)
		fail(u,
		    "a decompression bomb: it unpacks to more than 250 times "
		    "its size",
		    NULL);
	return u->error[0] == '\0';
}

ptrdiff_t
unpack_read(struct unpack *u, char *to, size_t n)
{
	la_ssize_t got;

	if (u->error[0] != '\0')
		return -1;
	got = archive_read_data(u->archive, to, n);
	if (got < 0) {
		fail(u, "corrupt or cut off; cannot be unpacked",
		    archive_error_string(u->archive));
		return -1;
	}
	u->out += got;
	return within_bounds(u) ? (ptrdiff_t)got : -1;
}

const char *
unpack_error(const struct unpack *u)
{
	return u->error;
}
