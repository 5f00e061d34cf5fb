// duckdb.js - runs one statement in DuckDB, a peer of the benchmarks
//   node duckdb.js MODULE THREADS MEMORY STATEMENT     MODULE is the folder of @duckdb/node-api
"use strict";
const [, , module_, threads, memory, statement] = process.argv;
const { DuckDBInstance } = require(module_);
(async () => {
  const instance = await DuckDBInstance.create(":memory:", {
    threads, memory_limit: memory, preserve_insertion_order: "false",
  });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(statement);
  for (const row of reader.getRows()) console.log(row.join(" "));
})().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
