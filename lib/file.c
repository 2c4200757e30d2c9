#include "lib/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *
file_read(const char *path, size_t max, FILE *errors, size_t *n)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(max + 1);
	bool good = false;

	if (f == NULL) {
		fprintf(errors, "%s: %s\n", path, strerror(errno));
	} else if (text == NULL) {
		fprintf(errors, "%s: out of memory\n", path);
	} else {
		*n = fread(text, 1, max + 1, f);
		good = !ferror(f) && *n <= max;
		if (ferror(f))
			fprintf(errors, "%s: %s\n", path, strerror(errno));
		else if (!good)
			fprintf(errors, "%s: is larger than %zu bytes\n", path,
			    max);
	}
	if (f != NULL)
		fclose(f);
	if (good)
		return text;
	free(text);
	return NULL;
}
