import { afterEach, describe, expect, it } from '@jest/globals'
import { defineMetrics, type MetricDeclaration } from './metric-table.js'
import { Metrics, type MetricsOptions } from './metrics.js'

const table = defineMetrics({
  connections: { type: 'gauge', name: 'natter_test_connections', help: 'Open.' },
  closes: {
    type: 'counter',
    name: 'natter_test_closes_total',
    help: 'Closed.',
    labels: ['code'],
    maxSeries: 2,
  },
  latency: { type: 'histogram', name: 'natter_test_latency_seconds', help: 'Took.', buckets: [0.1, 1] },
})

const running: Metrics[] = []
const create = (options: MetricsOptions = { processMetrics: false }): Metrics => {
  const metrics = new Metrics(options)
  running.push(metrics)
  return metrics
}
afterEach(() => {
  for (const metrics of running.splice(0)) metrics.stop()
})

const samples = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith('natter_test'))

describe('metrics', () => {
  it('tell what was counted, set and observed', async () => {
    const metrics = create()
    const handles = metrics.register(table)
    handles.connections.set({}, 5)
    handles.connections.add({}, -1)
    handles.closes.add({ code: 3000 })
    handles.closes.add({ code: 3000 }, 2)
    handles.latency.observe({}, 0.5)
    expect(await samples(metrics)).toEqual([
      'natter_test_connections 4',
      'natter_test_closes_total{code="3000"} 3',
      'natter_test_latency_seconds_bucket{le="0.1"} 0',
      'natter_test_latency_seconds_bucket{le="1"} 1',
      'natter_test_latency_seconds_bucket{le="+Inf"} 1',
      'natter_test_latency_seconds_sum 0.5',
      'natter_test_latency_seconds_count 1',
    ])
  })

  it('of two nodes in one process are counted apart', async () => {
    const one = create()
    const other = create({ processMetrics: false, labels: { node: 'b' } })
    one.register(table).connections.set({}, 1)
    other.register(table).connections.set({}, 2)
    expect(await samples(one)).toContain('natter_test_connections 1')
    expect(await samples(other)).toContain('natter_test_connections{node="b"} 2')
  })

  it('have a bounded number of series: past the bound the rest is other, and nothing is lost from the sum', async () => {
    const metrics = create()
    const { closes } = metrics.register(table)
    for (let code = 1; code <= 50; code += 1) closes.add({ code })
    closes.add({ code: 1 })
    expect((await samples(metrics)).filter((line) => line.includes('closes'))).toEqual([
      'natter_test_closes_total{code="1"} 2',
      'natter_test_closes_total{code="2"} 1',
      'natter_test_closes_total{code="other"} 48',
    ])
  })

  it('may be asked at the scrape for what somebody keeps anyway', async () => {
    const metrics = create()
    let open = 1
    const closed = [1, 2, 3].map((code) => ({ labels: { code }, value: 10 }))
    metrics.register(table, { connections: () => open, closes: () => closed })
    await metrics.text()
    open = 7
    const lines = await samples(metrics)
    expect(lines).toContain('natter_test_connections 7')
    expect(lines.filter((line) => line.includes('closes'))).toEqual([
      'natter_test_closes_total{code="1"} 10',
      'natter_test_closes_total{code="2"} 10',
      'natter_test_closes_total{code="other"} 10',
    ])
  })

  it('of the process stand under our prefix too', async () => {
    const text = await create({ labels: { node: 'a' } }).text()
    expect(text).toMatch(/natter_process_resident_memory_bytes\{node="a"\} \d+/)
    expect(text).toContain('natter_event_loop_delay_seconds_bucket')
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(names.filter((name) => name?.startsWith('natter_') !== true)).toEqual([])
  })

  it('cannot be declared twice in one process: the two would be one', () => {
    const metrics = create()
    metrics.register(table)
    expect(() => metrics.register(table)).toThrow('natter_test_connections')
  })
})

describe('the declaration of a metric', () => {
  const fine: MetricDeclaration = { type: 'counter', name: 'natter_x_total', help: 'X.' }
  it.each<[string, Partial<MetricDeclaration>]>([
    ['begin with natter_', { name: 'x_total' }],
    ['end in _total', { name: 'natter_x' }],
    ['end in _total', { type: 'gauge' }],
    ['base units', { type: 'gauge', name: 'natter_x_ms' }],
    ['base units', { name: 'natter_x_kb_total' }],
    ['must say its buckets', { type: 'histogram', name: 'natter_x_seconds' }],
    ['say what it means', { help: ' ' }],
    ["can't have the label channel", { labels: ['code', 'channel'] }],
    ["can't have the label user", { labels: ['user'] }],
  ])('must %s', (why, wrong) => {
    expect(() => defineMetrics({ fine, wrong: { ...fine, ...wrong } })).toThrow(why)
  })
})
