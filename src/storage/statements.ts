/** The statements of one database connection, each prepared once. */

import type { Database, SqlValue, Statement } from "./database.ts";

export class Statements {
  readonly #database: Database;
  readonly #prepared = new Map<string, Statement>();
  readonly #preparedTuples = new Map<string, Statement>();
  #writes = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Grows with every statement that may have changed something. One that throws has changed nothing. */
  get writes(): number {
    return this.#writes;
  }

  get<T>(sql: string, ...values: SqlValue[]): T | undefined {
    return this.#statement(sql).get(...values) as T | undefined;
  }

  all<T>(sql: string, ...values: SqlValue[]): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  /** Rows as arrays of the columns. */
  tuples<T extends readonly SqlValue[]>(sql: string, ...values: SqlValue[]): T[] {
    let statement = this.#preparedTuples.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReturnArrays(true);
      this.#preparedTuples.set(sql, statement);
    }
    return statement.all(...values) as T[];
  }

  run(sql: string, ...values: SqlValue[]): ReturnType<Statement["run"]> {
    const result = this.#statement(sql).run(...values);
    this.#writes++;
    return result;
  }

  /** The row that a change RETURNs; undefined when it changed none. */
  runReturning<T>(sql: string, ...values: SqlValue[]): T | undefined {
    const row = this.#statement(sql).get(...values) as T | undefined;
    this.#writes++;
    return row;
  }

  #statement(sql: string): Statement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
