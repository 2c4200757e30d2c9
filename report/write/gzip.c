#include "report/write/gzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

struct gzip {
	struct archive *archive;
	gzip_put *put;
	void *arg;
	bool failed;
};

static la_ssize_t
pass_on(struct archive *archive, void *data, const void *bytes, size_t n)
{
	struct gzip *g = data;

	if (g->put(g->arg, span_of(bytes, n)))
		return (la_ssize_t)n;
	archive_set_error(archive, 0, "refused");
	g->failed = true;
	return ARCHIVE_FATAL;
}

/* To libarchive, this is an archive with one entry and no header. */
static bool
gzip_begin(struct gzip *g)
{
	struct archive_entry *entry = archive_entry_new();
	bool good = entry != NULL &&
	    archive_write_set_format_raw(g->archive) == ARCHIVE_OK &&
	    archive_write_add_filter_gzip(g->archive) == ARCHIVE_OK &&
	    archive_write_set_options(g->archive, "gzip:!timestamp") ==
		ARCHIVE_OK &&
	    archive_write_set_bytes_per_block(g->archive, 0) == ARCHIVE_OK &&
	    archive_write_open(g->archive, g, NULL, pass_on, NULL) ==
		ARCHIVE_OK;

	if (good) {
		archive_entry_set_filetype(entry, AE_IFREG);
		good = archive_write_header(g->archive, entry) == ARCHIVE_OK;
	}
	archive_entry_free(entry);
	return good;
}

struct gzip *
gzip_open(gzip_put *put, void *arg)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	*g = (struct gzip){
		.archive = archive_write_new(), .put = put, .arg = arg
	};
	if (g->archive != NULL && gzip_begin(g))
		return g;
	archive_write_free(g->archive);
	free(g);
	return NULL;
}

bool
gzip_write(struct gzip *g, struct span bytes)
{
	if (bytes.n > 0 && !g->failed &&
	    archive_write_data(g->archive, bytes.p, bytes.n) !=
		(la_ssize_t)bytes.n)
		g->failed = true;
	return !g->failed;
}

bool
gzip_close(struct gzip *g)
{
	bool good;

	if (g == NULL)
		return false;
	good = archive_write_close(g->archive) == ARCHIVE_OK && !g->failed;
	archive_write_free(g->archive);
	free(g);
	return good;
}
