/*
 * replay.c - runs a fuzz target with files as its input, for builds without
 * libFuzzer.
 *
 * usage: NAME_replay FILE|FOLDER...
 *
 * Prints TAP for one test, which fails if there are no files.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the file into memory of exactly its size, so that a sanitizer detects
 * any access past the end. */
static bool
replay_file(const char *path, size_t size)
{
	FILE *file = size <= INPUT_MAX ? fopen(path, "rb") : NULL;
	uint8_t *data = malloc(size > 0 ? size : 1);
	bool good =
	    file != NULL && data != NULL && fread(data, 1, size, file) == size;

	if (good)
		LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	if (file != NULL)
		fclose(file);
	return good;
}

static bool replay_path(const char *path, unsigned depth, unsigned *count);

/* Runs the files in a folder, but not those in subfolders. */
static bool
replay_folder(const char *path, unsigned *count)
{
	DIR *folder = opendir(path);
	bool good = folder != NULL;

	for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
		char inside[4096];
		int n = snprintf(
		    inside, sizeof(inside), "%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			good = (size_t)n < sizeof(inside) &&
			    replay_path(inside, 1, count);
	}
	if (folder != NULL)
		closedir(folder);
	return good;
}

static bool
replay_path(const char *path, unsigned depth, unsigned *count)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: does not exist\n", path);
		return false;
	}
	if (S_ISDIR(st.st_mode))
		return depth > 0 || replay_folder(path, count);
	(*count)++;
	return replay_file(path, (size_t)st.st_size);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];
	unsigned count = 0;
	bool good = true;

	printf("1..1\n# %s\n", name);
	fflush(stdout);
	for (int i = 1; i < argc && good; i++)
		good = replay_path(argv[i], 0, &count);
	good = good && count > 0;
	printf("%s 1 - %s\n# %u inputs\n", good ? "ok" : "not ok", name, count);
	return good ? 0 : 1;
}
