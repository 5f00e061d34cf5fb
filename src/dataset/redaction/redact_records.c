/* redact_records.c - see redact_records.h */
#include "dataset/redaction/redact_records.h"

#include <string.h>

enum { VALUES_AT_ONCE = 1 << 18 }; /* bytes */

bool redact_records_open(struct redact_records *records, struct reader *reader,
                         const struct batch_rules *rules, struct error *error) {
  records->reader = reader;
  records->rules = rules;
  if (!format_detect(reader, &records->format, error)) return false;
  return records->format != FORMAT_CSV ||
         csv_table_open(&records->table, reader, rules->columns,
                        rules->on_unrecognised != TREAT_STOP, error);
}

void redact_records_close(struct redact_records *records) {
  reader_close(records->reader);
  csv_table_close(&records->table);
  memset(records, 0, sizeof *records);
}

/* Judges the rows of the window. */
static bool take_rows(struct redact_records *records, struct redact_records_piece *piece,
                      struct error *error) {
  struct reader *reader = records->reader;
  struct batch *batch = piece->batch;
  size_t size;
  for (;;) {
    batch_begin(batch, false);
    size = redact_csv_rows(&records->table, &records->header_passed, reader, batch);
    if (size > 0 || reader->ended || batch->failed) break;
    if (!reader_fill(reader, error)) return false;
  }
  if (reader->ended && size == reader->size) records->ended = true;
  reader_consume(reader, size); /* the text stays where it is until the next reader_fill */
  piece->size = size;
  return true;
}

static bool take_values(struct redact_records *records, struct redact_records_piece *piece,
                        struct error *error) {
  struct reader *reader = records->reader;
  struct batch *batch = piece->batch;
  uint64_t start = reader->byte;
  struct reader_record record;
  enum reader_step step = READER_RECORD;
  batch_begin(batch, true);
  while (!batch->failed && batch->output.size + batch->quarantine.size < VALUES_AT_ONCE) {
    step = reader_next(reader, READER_VALUES, &record, error);
    if (step != READER_RECORD) break;
    batch_value(batch, &records->values, reader->path, &record);
  }
  if (step == READER_FAILED) return false;
  if (step == READER_END) {
    batch_values_end(batch, &records->values, &record);
    records->ended = true;
  }
  piece->size = reader->byte - start;
  return true;
}

enum turns_step redact_records_take(struct redact_records *records,
                                    struct redact_records_piece *piece, bool shared,
                                    struct error *error) {
  piece->judged = records->format == FORMAT_CSV || records->format == FORMAT_JSON_VALUES;
  if (records->ended) return TURNS_END;
  if (records->format == FORMAT_CSV)
    return take_rows(records, piece, error) ? TURNS_ALONE : TURNS_FAILED;
  if (records->format == FORMAT_JSON_VALUES)
    return take_values(records, piece, error) ? TURNS_ALONE : TURNS_FAILED;
  return lines_take(records->reader, &piece->lines, shared, error);
}

void redact_records_judge(const struct redact_records *records,
                          struct redact_records_piece *piece) {
  struct lines_piece *lines = &piece->lines;
  const char *path = records->reader->path;
  if (piece->judged) return;
  batch_begin(piece->batch, false);
  if (!lines_read(records->reader, lines, &piece->batch->error)) {
    piece->batch->failed = piece->judged = true; /* and there is nothing to explain */
    return;
  }
  piece->size = lines->size;
  if (records->format == FORMAT_IDS)
    batch_id_lines(piece->batch, path, lines->text, lines->size, lines->byte);
  else
    batch_json_lines(piece->batch, path, lines->text, lines->size, lines->byte);
}

bool redact_records_failed(const struct redact_records *records, struct redact_records_piece *piece,
                           struct error *error) {
  struct batch *batch = piece->batch;
  struct lines_piece *lines = &piece->lines;
  if (!batch->failed) return false;
  if (!piece->judged) batch_explain(batch, lines_line(records->reader, lines, lines->text));
  *error = batch->error;
  return true;
}
