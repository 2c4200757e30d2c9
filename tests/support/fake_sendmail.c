#include "tests/support/fake_sendmail.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base64.h"
#include "lib/scan.h"

enum { FILE_BYTES_MAX = 64 << 20 };

void
mailbag_set_status(struct mailbag *b, int status)
{
	char next[MAILBAG_PATH_MAX + 8];
	FILE *f;

	snprintf(next, sizeof(next), "%s.next", b->program);
	f = fopen(next, "w");
	assert_non_null(f);
	/* each message is a file that is renamed into place, so it is complete
	 * when it appears */
	fprintf(f,
	    "#!/bin/sh\n"
	    "f=$(mktemp '%s/new.XXXXXXXX') || exit 75\n"
	    "{ echo \"$*\"; cat; } >\"$f\" || exit 75\n"
	    "mv \"$f\" \"%s/mail.${f##*.}\" || exit 75\n"
	    "exit %d\n",
	    b->folder, b->folder, status);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(next, 0755), 0);
	assert_int_equal(rename(next, b->program), 0);
}

void
mailbag_open(struct mailbag *b)
{
	snprintf(b->folder, sizeof(b->folder), "/tmp/avouch-mailbag-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->program, sizeof(b->program), "%.100s/sendmail", b->folder);
	mailbag_set_status(b, 0);
}

static void
remove_files(const struct mailbag *b, const char *prefix)
{
	DIR *d = opendir(b->folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

void
mailbag_empty(struct mailbag *b)
{
	remove_files(b, "mail.");
}

void
mailbag_close(struct mailbag *b)
{
	remove_files(b, "");
	rmdir(b->folder);
}

static char *
read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	char *bytes = NULL;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	assert_true(*size < FILE_BYTES_MAX);
	rewind(f);
	bytes = calloc(1, *size + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *size, f), *size);
	fclose(f);
	return bytes;
}

/* Copies the text between `mark` and `end` to `out`, without line ends. */
static void
take(const struct mailbag_mail *m, const char *mark, const char *end, char *out)
{
	const char *from = strstr(m->bytes, mark);
	size_t n = 0;

	if (from == NULL)
		fail_msg("no %s in %s", mark, m->bytes);
	from += strlen(mark);
	while (strncmp(from, end, strlen(end)) != 0 && *from != '\0' &&
	    n < MAILBAG_TEXT_MAX - 1) {
		if (*from != '\n')
			out[n++] = *from;
		from++;
	}
	out[n] = '\0';
}

/* Decompresses `bytes`, which must be gzip. */
static void
decompress(struct mailbag_mail *m, struct span bytes)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	la_ssize_t n;

	archive_read_support_filter_gzip(a);
	archive_read_support_format_raw(a);
	m->xml = calloc(1, FILE_BYTES_MAX);
	assert_non_null(m->xml);
	assert_int_equal(
	    archive_read_open_memory(a, bytes.p, bytes.n), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
	while ((n = archive_read_data(a, m->xml + m->xml_size,
		    FILE_BYTES_MAX - 1 - m->xml_size)) > 0)
		m->xml_size += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(archive_filter_code(a, 0), ARCHIVE_FILTER_GZIP);
	archive_read_free(a);
	m->xml = realloc(m->xml, m->xml_size + 1);
	assert_non_null(m->xml);
	m->xml[m->xml_size] = '\0';
}

static void
read_attachment(struct mailbag_mail *m)
{
	static const char mark[] = "Content-Transfer-Encoding: base64\n\n";
	struct arena *a = arena_new(FILE_BYTES_MAX);
	const char *from = strstr(m->bytes, mark);
	const char *to;
	struct span bytes;

	assert_non_null(a);
	assert_non_null(from);
	from += sizeof(mark) - 1;
	to = strstr(from, "\n--=_");
	assert_non_null(to);
	assert_true(base64_decode(a, span_between(from, to), &bytes));
	decompress(m, bytes);
	arena_free(a);
	/* the message must end with the closing boundary */
	assert_string_equal(m->bytes + m->size - 3, "--\n");
}

static void
read_mail(struct mailbag_mail *m, const char *path)
{
	char *head;

	m->bytes = read_file(path, &m->size);
	head = strchr(m->bytes, '\n');
	assert_non_null(head);
	snprintf(m->words, sizeof(m->words), "%.*s", (int)(head - m->bytes),
	    m->bytes);
	m->size -= (size_t)(head + 1 - m->bytes);
	memmove(m->bytes, head + 1, m->size + 1);
	take(m, "\nMessage-ID: ", "\n", m->message_id);
	take(m, "\nSubject: ", "\nDate:", m->subject);
	take(m, "\nTo: ", "\n", m->to);
	take(m, "filename=\"", "\"", m->file_name);
	read_attachment(m);
}

static int
compare_fake_sendmail(const void *a, const void *b)
{
	const struct mailbag_mail *x = a, *y = b;

	return strcmp(x->message_id, y->message_id);
}

struct mailbag_mails *
mailbag_read(const struct mailbag *b)
{
	struct mailbag_mails *m = calloc(1, sizeof(*m));
	DIR *d = opendir(b->folder);
	struct dirent *e;
	char path[2 * MAILBAG_PATH_MAX];

	assert_non_null(m);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "mail.", 5) != 0)
			continue;
		assert_true(m->n < MAILBAG_MAX);
		snprintf(path, sizeof(path), "%s/%.100s", b->folder, e->d_name);
		read_mail(&m->mail[m->n++], path);
	}
	closedir(d);
	qsort(m->mail, m->n, sizeof(m->mail[0]), compare_fake_sendmail);
	return m;
}

size_t
mailbag_count(const struct mailbag *b)
{
	DIR *d = opendir(b->folder);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "mail.", 5) == 0;
	closedir(d);
	return n;
}

void
mailbag_free(struct mailbag_mails *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->mail[i].bytes);
		free(m->mail[i].xml);
	}
	free(m);
}

size_t
mailbag_occurs(const struct mailbag_mail *m, const char *text)
{
	size_t n = 0;

	for (const char *p = m->xml; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

uint64_t
mailbag_messages(const struct mailbag_mail *m)
{
	uint64_t sum = 0, count;

	for (const char *p = m->xml; (p = strstr(p, "<count>")) != NULL;) {
		struct scan s = scan_of(span_str(p + 7));

		assert_true(scan_number(&s, UINT64_MAX, &count));
		sum += count;
		p = s.p;
	}
	return sum;
}
