/** The two documents of a contract in a folder. */
import { asyncApi, asyncApiFile, openApi, openApiFile, readAsyncApi, type Contract } from '@natter/contract'
import { InvalidError } from '@natter/primitives'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Answers their names. */
export async function writeContract(folder: string, contract: Contract): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const documents = { [asyncApiFile]: asyncApi(contract), [openApiFile]: openApi(contract) }
  for (const [name, document] of Object.entries(documents))
    await writeFile(join(folder, name), `${JSON.stringify(document, undefined, 2)}\n`)
  return Object.keys(documents).map((name) => join(folder, name))
}

/** @throws InvalidError `no-contract`, `bad-contract`. */
export async function readContract(folder: string): Promise<Contract> {
  const file = join(folder, asyncApiFile)
  if (!existsSync(file))
    throw new InvalidError(
      'no-contract',
      `There is no ${file}: write it with natter contract --out, and commit it.`,
    )
  return readAsyncApi(parsed(await readFile(file, 'utf8'), file))
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidError('bad-contract', `${file} is no JSON: write it again with natter contract --out.`, {
      cause: error,
    })
  }
}
