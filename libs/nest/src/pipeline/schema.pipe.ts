import { ClientError } from '@natter/hooks'
import { Errors } from '@natter/protocol'
import type { PipeTransform } from '@nestjs/common'
import { pathOf, type SchemaIssue, type SchemaResult, type StandardSchema } from './standard-schema.js'

/** The client is told of so many issues: enough to mend a form, too few to fill its memory. */
const maxIssues = 16

/**
 * Lets through what the schema makes of a value. Ours alone runs a schema, and once: one that transforms refuses its own output.
 *
 * @throws ClientError 107, its message `path: …` of the first issue, its details all of them, at most 16.
 */
export class SchemaPipe implements PipeTransform {
  private readonly validate: StandardSchema['~standard']['validate']

  /** @param property The property of the payload that the value is, for the paths in messages. */
  constructor(
    readonly schema: StandardSchema,
    private readonly property?: string,
  ) {
    this.validate = schema['~standard'].validate
  }

  transform(value: unknown): unknown {
    const result = this.validate(value)
    return result instanceof Promise ? result.then((late) => this.accept(late)) : this.accept(result)
  }

  private accept(result: SchemaResult<unknown>): unknown {
    if (result.issues === undefined) return result.value
    throw badData(result.issues, this.property)
  }
}

function badData(issues: readonly SchemaIssue[], property: string | undefined): ClientError {
  const details = issues.slice(0, maxIssues).map((issue) => ({
    path: [property, pathOf(issue)].filter(Boolean).join('.'),
    message: issue.message,
  }))
  const [first] = details
  const message = first === undefined ? Errors.badRequest.message : sentence(first)
  return new ClientError(Errors.badRequest.code, message, { details })
}

const sentence = ({ path, message }: { path: string; message: string }) =>
  path === '' ? message : `${path}: ${message}`
