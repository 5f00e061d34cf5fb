/* foreign.c - see foreign.h */
#include "dataset/bytes/foreign.h"

#include <string.h>

struct format {
  size_t size; /* of the bytes at the start that identify the format */
  const char *bytes;
  const char *refusal;
};

#define SPREADSHEET                                                                                \
  " - save it as CSV, UTF-8, with the columns of ids as text, or run: libreoffice --headless "     \
  "--convert-to csv FILE"
#define R_DATA " - in R: jsonlite::stream_out(readRDS(\"FILE\"), file(\"FILE.jsonl\"))"

static const struct format formats[] = {
    {16, "SQLite format 3\0",
     "is an SQLite database, which is not read - export its table: "
     "sqlite3 -header -csv FILE 'SELECT * FROM TABLE' >FILE.csv"},
    {4, "PAR1",
     "is a Parquet file, which is not read - convert it: "
     "duckdb -c \"COPY (FROM 'FILE') TO 'FILE.jsonl'\""},
    {6, "ARROW1",
     "is an Arrow (Feather) file, which is not read - in Python: "
     "pandas.read_feather('FILE').to_json('FILE.jsonl', orient='records', "
     "lines=True)"},
    {4, "FEA1",
     "is a Feather file, which is not read - in Python: "
     "pandas.read_feather('FILE').to_json('FILE.jsonl', orient='records', "
     "lines=True)"},
    {3, "ORC",
     "is an ORC file, which is not read - in Python: "
     "pandas.read_orc('FILE').to_json('FILE.jsonl', orient='records', lines=True)"},
    {4, "Obj\1",
     "is an Avro file, which is not read - convert it: "
     "avro-tools tojson FILE >FILE.jsonl"},
    {8, "\x89HDF\r\n\x1a\n",
     "is an HDF5 file, which is not read - in Python: "
     "pandas.read_hdf('FILE').to_json('FILE.jsonl', orient='records', "
     "lines=True)"},
    {4, "\xff\xfe\0\0",
     "is UTF-32 text, which is not read - convert it: "
     "iconv -f UTF-32 -t UTF-8 FILE >FILE.utf8"},
    {4, "\0\0\xfe\xff",
     "is UTF-32 text, which is not read - convert it: "
     "iconv -f UTF-32 -t UTF-8 FILE >FILE.utf8"},
    {7, "WARC/1.",
     "is a WARC web archive, which is not read - extract the JSON of its responses: "
     "warcio extract --payload FILE OFFSET, for each offset that warcio index "
     "FILE lists"},
    {6, "7z\xbc\xaf\x27\x1c", "is a 7z archive, which is not read - unpack it: 7z x FILE"},
    {6, "Rar!\x1a\x07", "is a RAR archive, which is not read - unpack it: unrar x FILE"},
    {8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
     "is an Excel file (.xls) or similar, which is not read" SPREADSHEET},
    {5, "RDX2\n",
     "is an R data file (.RData), which is not read - in R: load it, and write the data frame "
     "with jsonlite::stream_out(DATA, file(\"FILE.jsonl\"))"},
    {5, "RDX3\n",
     "is an R data file (.RData), which is not read - in R: load it, and write the data frame "
     "with jsonlite::stream_out(DATA, file(\"FILE.jsonl\"))"},
    {5, "X\n\0\0\0", "is an R data file (.rds), which is not read" R_DATA},
    {3, "\x80\x04\x95",
     "is a Python pickle, which is not read - in Python: "
     "pandas.read_pickle('FILE').to_json('FILE.jsonl', orient='records', "
     "lines=True)"},
    {3, "\x80\x05\x95",
     "is a Python pickle, which is not read - in Python: "
     "pandas.read_pickle('FILE').to_json('FILE.jsonl', orient='records', "
     "lines=True)"},
    {5, "%PDF-", "is a PDF document, not a dataset"},
    {4, "\x04\x22\x4d\x18", "is compressed with lz4, which is not read - unpack it: lz4 -d FILE"},
    {4, "LZIP", "is compressed with lzip, which is not read - unpack it: lzip -d FILE"},
    {2, "\x1f\x9d",
     "is compressed with compress (.Z), which is not read - unpack it: "
     "uncompress FILE"},
};

/* Documents that are zip archives: the name of the first member is at byte 30. */
static const char *zipped_document(const char *bytes, size_t size) {
  static const char *const names[] = {"[Content_Types].xml", "_rels/", "docProps/", "xl/",
                                      "mimetypeapplication/vnd."};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]);
    if (size >= 30 + length && memcmp(bytes, "PK\3\4", 4) == 0 &&
        memcmp(bytes + 30, names[i], length) == 0)
      return "is a spreadsheet (.xlsx, .ods) or similar, which is not read" SPREADSHEET;
  }
  return NULL;
}

const char *foreign_refusal(const void *bytes, size_t size) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    const struct format *format = &formats[i];
    if (size >= format->size && memcmp(bytes, format->bytes, format->size) == 0)
      return format->refusal;
  }
  return zipped_document(bytes, size);
}
