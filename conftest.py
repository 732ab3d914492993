"""What holds for every test: kernels run without a heartbeat.

A heartbeat tells whether a kernel on another machine lives. Here a kernel is a process that can be asked. The thread
that sends heartbeats can block for ever, and the tests with it when they stop the kernel.
"""

from functools import partialmethod

from jupyter_client.client import KernelClient

KernelClient.start_channels = partialmethod(KernelClient.start_channels, hb=False)
