import groovy.json.JsonSlurper

def report = { name -> new JsonSlurper().parse(new File(basedir, "target/kvm-reports/$name")) }
def kvm = report('hello-as_the_goal_says.json')
def emulator = report('hello-elsewhere.json')
assert kvm.engine == 'kvm'
assert emulator.engine == 'emulator'

// The engine counts instructions or doesn't, and takes its own time; all else is the same.
def seen = { it.findAll { key, value -> !(key in ['engine', 'instructions', 'wallMillis']) } }
assert seen(kvm) == seen(emulator)
true
