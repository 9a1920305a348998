// A host that lacks everything, and a file that was cut short.
new File(basedir, 'other.json').text = '''{"format": 1, "report": "host", "problems": [], "sections": {
  "boot-modes": {"title": "what runs guests, by boot mode", "values": {"real": "a steam engine"}}}}'''
new File(basedir, 'damaged.json').text = '{"format": 1,\n"report": "ho'
true
