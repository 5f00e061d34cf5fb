/* archive.c - see archive.h
 *
 * libarchive converts names by the locale of the thread. That belongs to the host and may be "C",
 * so calls that see names are made in a locale of our own.
 */
#include "dataset/bytes/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/input.h"

enum {
  READ_SIZE = 1 << 18,
  BLOCK_SIZE = 25 * 10240, /* bytes handed to the writer at a time */
  TAR_RECORD = 10240,      /* what the size of a tar is a multiple of */
  TAR_BLOCK = 512,
};

struct archive_in {
  struct archive *handle;
  struct archive_entry *entry; /* our own: libarchive does not check whether it got one */
  struct reader *reader;
  enum container kind;
  locale_t locale;
  struct error error; /* what a callback found */
  size_t given;       /* tar: bytes of the window that libarchive has */
  uint64_t zeros;     /* tar: zero bytes at the end of what was read */
  uint64_t at;        /* zip: where to read */
  char *buffer;       /* zip: READ_SIZE bytes */
};

/* {==================================================================
** The bytes of a tar: they come through the reader, which unpacks them
** =================================================================== */

static void count_zeros(struct archive_in *in, const char *text, size_t size) {
  size_t zeros = 0;
  while (zeros < size && text[size - zeros - 1] == '\0')
    zeros++;
  in->zeros = zeros == size ? in->zeros + size : zeros;
}

static la_ssize_t read_tar(struct archive *handle, void *context, const void **bytes) {
  struct archive_in *in = context;
  struct reader *reader = in->reader;
  (void)handle;
  reader_consume(reader, in->given);
  in->given = 0;
  if (reader->size == 0 && !reader_fill(reader, &in->error)) return -1;
  count_zeros(in, reader->text, reader->size);
  *bytes = reader->text;
  in->given = reader->size;
  return (la_ssize_t)reader->size;
}

/* }================================================================== */

/* {==================================================================
** The bytes of a zip: its table is at the end, so it must be a file
** =================================================================== */

static la_ssize_t read_zip(struct archive *handle, void *context, const void **bytes) {
  struct archive_in *in = context;
  struct input *input = reader_input(in->reader);
  ssize_t got;
  (void)handle;
  if (input->task && task_cancelled(input->task)) {
    error_set(&in->error, ERROR_CANCELLED, "reading %s was cancelled", input->path);
    return -1;
  }
  do
    got = pread(input->descriptor, in->buffer, READ_SIZE, (off_t)in->at);
  while (got < 0 && errno == EINTR);
  if (got < 0) {
    error_errno(&in->error, "reading", input->path);
    return -1;
  }
  in->at += (uint64_t)got;
  if (in->at > atomic_load(&input->done)) atomic_store(&input->done, in->at);
  *bytes = in->buffer;
  return got;
}

static la_int64_t skip_zip(struct archive *handle, void *context, la_int64_t size) {
  struct archive_in *in = context;
  (void)handle;
  in->at += (uint64_t)size;
  return size;
}

static la_int64_t seek_zip(struct archive *handle, void *context, la_int64_t offset, int whence) {
  struct archive_in *in = context;
  la_int64_t total = (la_int64_t)reader_total(in->reader);
  la_int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (la_int64_t)in->at : total;
  (void)handle;
  if (from + offset < 0 || from + offset > total) return ARCHIVE_FATAL;
  in->at = (uint64_t)(from + offset);
  return (la_int64_t)in->at;
}

/* }================================================================== */

/* {==================================================================
** Reading
** =================================================================== */

/* Fills `error` from the callback that failed, if one did, else from libarchive's message. */
static void explain(struct archive_in *in, struct error *error) {
  const char *said = archive_error_string(in->handle);
  const char *title = container_title(in->kind);
  if (in->error.code != ERROR_NONE) {
    *error = in->error;
  } else if (archive_errno(in->handle) == ENOMEM) {
    error_memory(error, "reading %s", in->reader->path);
  } else if (said && (strstr(said, "runcated") || strstr(said, "Unrecognized archive format"))) {
    /* the table of a zip is at its end, and its format is not recognised without it */
    error_set(error, ERROR_DATA, "the %s archive ends too early: it is truncated", title);
  } else {
    error_set(error, ERROR_DATA, "the %s archive is damaged: %s", title,
              said ? said : "libarchive gives no reason");
  }
}

/* The same, with the archive's path. */
static void explain_whole(struct archive_in *in, struct error *error) {
  struct error problem;
  explain(in, &problem);
  if (problem.code == ERROR_DATA && problem.file[0] == '\0')
    error_at(error, ERROR_DATA, in->reader->path, 0, 0, "%s", problem.message);
  else
    *error = problem;
}

static bool begin_tar(struct archive_in *in) {
  return archive_read_support_format_tar(in->handle) == ARCHIVE_OK &&
         archive_read_set_format_option(in->handle, "tar", "read_concatenated_archives", "1") ==
             ARCHIVE_OK;
}

static bool begin_zip(struct archive_in *in) {
  in->buffer = malloc(READ_SIZE);
  return in->buffer && archive_read_support_format_zip_seekable(in->handle) == ARCHIVE_OK &&
         archive_read_set_seek_callback(in->handle, seek_zip) == ARCHIVE_OK;
}

static bool begin(struct archive_in *in, struct error *error) {
  bool tar = in->kind == CONTAINER_TAR;
  in->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  in->handle = archive_read_new();
  in->entry = in->handle ? archive_entry_new2(in->handle) : NULL;
  if (!in->entry || !(tar ? begin_tar(in) : begin_zip(in)))
    return error_memory(error, "reading %s", in->reader->path);
  if (archive_read_open2(in->handle, in, NULL, tar ? read_tar : read_zip, tar ? NULL : skip_zip,
                         NULL) == ARCHIVE_OK)
    return true;
  explain_whole(in, error);
  return false;
}

struct archive_in *archive_in_open(struct reader *reader, struct error *error) {
  struct archive_in *in = calloc(1, sizeof *in);
  if (!in) {
    error_memory(error, "reading %s", reader->path);
    return NULL;
  }
  in->reader = reader;
  in->kind = reader->container;
  if (in->kind == CONTAINER_ZIP && (reader->packing || !reader_input(reader)->regular))
    error_at(error, ERROR_DATA, reader->path, 0, 0,
             "is a zip archive, which can only be read from a file - save it to a file first");
  else if (begin(in, error))
    return in;
  archive_in_close(in);
  return NULL;
}

void archive_in_close(struct archive_in *in) {
  if (!in) return;
  archive_read_free(in->handle);
  archive_entry_free(in->entry);
  if (in->locale) freelocale(in->locale);
  free(in->buffer);
  free(in);
}

static locale_t enter_locale(const struct archive_in *in) {
  return in->locale ? uselocale(in->locale) : (locale_t)0;
}

static void leave_locale(locale_t before) {
  if (before) uselocale(before);
}

/* Only this shows that a tar was cut off between two members. */
static bool has_end(const struct archive_in *in, struct error *error) {
  if (in->kind != CONTAINER_TAR || in->zeros >= TAR_BLOCK) return true;
  error_at(error, ERROR_DATA, in->reader->path, 0, 0,
           "the tar archive has no end mark: it is truncated, or the program that wrote it did "
           "not close it - if it is complete, unpack it and pack it again with tar");
  return false;
}

enum archive_step archive_in_next(struct archive_in *in, struct archive_entry **entry,
                                  struct error *error) {
  locale_t before = enter_locale(in);
  int result = archive_read_next_header2(in->handle, in->entry);
  leave_locale(before);
  *entry = in->entry;
  if (result == ARCHIVE_EOF) return has_end(in, error) ? ARCHIVE_END : ARCHIVE_DAMAGED;
  if (result == ARCHIVE_OK || result == ARCHIVE_WARN) return ARCHIVE_MEMBER;
  explain_whole(in, error);
  return ARCHIVE_DAMAGED;
}

int64_t archive_in_read(struct archive_in *in, void *to, size_t size, struct error *error) {
  la_ssize_t got = archive_read_data(in->handle, to, size);
  if (got >= 0) return got;
  explain(in, error);
  return -1;
}

const char *archive_in_path(const struct archive_in *in) {
  return in->reader->path;
}

const char *archive_name(struct archive_in *in, struct archive_entry *entry) {
  locale_t before = enter_locale(in);
  const char *name = archive_entry_pathname(entry);
  if (!name) name = archive_entry_pathname_utf8(entry);
  leave_locale(before);
  return name;
}

/* }================================================================== */

/* {==================================================================
** Writing
** =================================================================== */

struct archive_out {
  struct archive *handle;
  struct archive_in *in; /* for its locale */
  struct writer *writer;
  struct error error; /* of the writer */
  bool abandoned;
};

static la_ssize_t put(struct archive *handle, void *context, const void *bytes, size_t size) {
  struct archive_out *out = context;
  struct iovec piece = {(void *)(uintptr_t)bytes, size};
  (void)handle;
  if (out->abandoned) return -1;
  /* libarchive never learns of a failure: it would not free all that it has */
  if (out->error.code == ERROR_NONE) writer_write(out->writer, &piece, 1, &out->error);
  return (la_ssize_t)size;
}

static bool fail(struct archive_out *out, struct error *error) {
  const char *said = archive_error_string(out->handle);
  if (out->error.code != ERROR_NONE)
    *error = out->error;
  else
    error_at(error, ERROR_IO, writer_target(out->writer), 0, 0, "writing the archive failed: %s",
             said ? said : "libarchive gives no reason");
  return false;
}

/* GNU's dialect of tar is kept; every program that reads the others reads pax too. */
static int format_like(const struct archive_in *in) {
  int format = archive_format(in->handle);
  if (in->kind == CONTAINER_ZIP) return ARCHIVE_FORMAT_ZIP;
  return format == ARCHIVE_FORMAT_TAR_GNUTAR ? format : ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE;
}

static bool begin_writing(struct archive_out *out, int level) {
  bool zip = out->in->kind == CONTAINER_ZIP;
  char text[2] = {(char)('0' + level), '\0'};
  return archive_write_set_format(out->handle, format_like(out->in)) == ARCHIVE_OK &&
         (!zip || level == 0 ||
          archive_write_set_format_option(out->handle, "zip", "compression-level", text) ==
              ARCHIVE_OK) &&
         archive_write_set_bytes_per_block(out->handle, BLOCK_SIZE) == ARCHIVE_OK &&
         archive_write_set_bytes_in_last_block(out->handle, zip ? 1 : TAR_RECORD) == ARCHIVE_OK &&
         archive_write_open2(out->handle, out, NULL, put, NULL, NULL) == ARCHIVE_OK;
}

struct archive_out *archive_out_open(struct archive_in *in, struct writer *writer, int level,
                                     struct error *error) {
  struct archive_out *out = calloc(1, sizeof *out);
  if (out) out->handle = archive_write_new();
  if (!out || !out->handle) {
    error_memory(error, "writing %s", writer_target(writer));
    free(out);
    return NULL;
  }
  out->in = in;
  out->writer = writer;
  if (begin_writing(out, level)) return out;
  fail(out, error);
  archive_out_free(out);
  return NULL;
}

static bool is_good(struct archive_out *out, bool good, struct error *error) {
  return (good && out->error.code == ERROR_NONE) || fail(out, error);
}

bool archive_out_member(struct archive_out *out, struct archive_entry *entry, uint64_t size,
                        struct error *error) {
  locale_t before = enter_locale(out->in);
  int result;
  archive_entry_set_size(entry, (la_int64_t)size);
  archive_entry_sparse_clear(entry);
  result = archive_write_header(out->handle, entry);
  leave_locale(before);
  return is_good(out, result == ARCHIVE_OK || result == ARCHIVE_WARN, error);
}

bool archive_out_write(struct archive_out *out, const void *bytes, size_t size,
                       struct error *error) {
  return is_good(out, archive_write_data(out->handle, bytes, size) == (la_ssize_t)size, error);
}

bool archive_out_finish(struct archive_out *out, struct error *error) {
  return is_good(out, archive_write_close(out->handle) == ARCHIVE_OK, error);
}

void archive_out_free(struct archive_out *out) {
  if (!out) return;
  out->abandoned = true; /* it would end the archive */
  archive_write_free(out->handle);
  free(out);
}

/* }================================================================== */
