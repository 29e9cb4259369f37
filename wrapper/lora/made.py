"""Tensors that are made when they are asked for, so that those of a whole file are never there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from wrapper.safetensors_stream import Form, form_of, torch_dtype

if TYPE_CHECKING:
    from torch import Tensor

Make = Callable[[str], Mapping[str, "Tensor"]]


class MadeTensors(Mapping[str, "Tensor"]):
    """Tensors by name; those of one module are made together, when one of them is asked for.

    ``forms`` are what they will be, ``modules`` the modules that they are of, both by name.
    """

    def __init__(self, forms: Mapping[str, Form], modules: Mapping[str, str], make: Make) -> None:
        self.forms = dict(forms)
        self.modules = modules
        self._make = make
        self._last: tuple[str, Mapping[str, Tensor]] = ("", {})

    @classmethod
    def of(cls, modules: Iterable[str], make: Make) -> MadeTensors:
        """What ``make`` makes of each module. Makes each once, to know its forms."""
        forms, owners = {}, {}
        for module in modules:
            for name, tensor in make(module).items():
                forms[name], owners[name] = form_of(tensor), module
        return cls(forms, owners, make)

    def in_forms(self, forms: Mapping[str, Form]) -> MadeTensors:
        """The same in other types, or larger: what is new is zero."""
        return MadeTensors(forms, self.modules, self._make)

    def in_dtype(self, dtype: str) -> MadeTensors:
        """The same in one type, by safetensors' name."""
        return self.in_forms({name: Form(dtype, form.shape) for name, form in self.forms.items()})

    def __getitem__(self, name: str) -> Tensor:
        module = self.modules[name]
        if module != self._last[0]:
            self._last = (module, self._make(module))
        return _in_form(self._last[1][name], self.forms[name])

    def __contains__(self, name: object) -> bool:
        return name in self.forms

    def __iter__(self) -> Iterator[str]:
        return iter(self.forms)

    def __len__(self) -> int:
        return len(self.forms)


def _in_form(tensor: Tensor, form: Form) -> Tensor:
    if tuple(tensor.shape) != form.shape:
        larger = tensor.new_zeros(form.shape)
        larger[tuple(slice(size) for size in tensor.shape)] = tensor
        tensor = larger
    return tensor.to(torch_dtype(form.dtype))
