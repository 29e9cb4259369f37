"""Whether a form can be meant, before anything is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields

from dataset_tools.errors import Problems
from wrapper.notebook.form import CLASS_IMAGES, CONSENT_BY, DEMO, JOBS, MEASURE, PRESETS, PROGRAMS, Form
from wrapper.notebook.places import check_name
from wrapper.notebook.stop import Stop, one_sentence

CHOICES: Mapping[str, Collection[str]] = {
    "job": JOBS,
    "consent_by": CONSENT_BY,
    "graphics_card": PRESETS,
    "class_images": CLASS_IMAGES,
    "measure": MEASURE,
    "programs": PROGRAMS,
}
_KINDS = {
    "str": ((str,), "no text between quotes"),
    "int": ((int,), "no whole number of 0 or more"),
    "float": ((int, float), "no number of 0 or more"),
    "bool": ((bool,), "neither True nor False"),
}


def check_form(form: Form) -> None:
    """Raise `Stop` that names every field that is empty; then every one that cannot be so."""
    problems = Problems()
    _check_kinds(form, problems)
    with one_sentence():
        problems.raise_if_any()
        _check_filled(form)
        _check_choices(form, problems)
        _check_age(form, problems)
        problems.raise_if_any()
        check_name(form.project_name)


def _check_kinds(form: Form, problems: Problems) -> None:
    """Outside of Colab the fields are lines of Python, in which anything can be written."""
    for field in fields(Form):
        said = getattr(form, field.name)
        types, complaint = _KINDS[str(field.type)]
        wrong = type(said) not in types or (isinstance(said, (int, float)) and said < 0)
        if wrong:
            problems.add(field.name, f"{said!r} is {complaint}.")


def _check_filled(form: Form) -> None:
    drawn = form.photographs == DEMO
    needed = {
        "project_name": form.project_name,
        "base_model": form.base_model,
        "trigger": form.trigger,
        **({} if drawn else {"subject": form.subject, "consent": form.consent}),
    }
    if JOBS.get(form.job) == "ear" and form.base_model != DEMO:
        needed["inpaint_base"] = form.inpaint_base
    if CLASS_IMAGES.get(form.class_images) == "folder" and not drawn:
        needed["class_image_folder"] = form.class_image_folder
    missing = [name for name, value in needed.items() if not value.strip()]
    if missing:
        who = {"subject", "consent"} & set(missing)
        hint = "Nobody is trained on without a record of consent." if who else "Then run this cell again."
        raise Stop(f"Fill in {', '.join(missing)}.", hint)


def _check_choices(form: Form, problems: Problems) -> None:
    for name, known in CHOICES.items():
        said = getattr(form, name)
        if said not in known:
            problems.add(name, f"'{said}' is none of {', '.join(known)}.")
    if form.photographs == DEMO and form.base_model != DEMO:
        problems.add("photographs", "demo drawings teach the demo's base only.", "Set base_model to demo.")


def _check_age(form: Form, problems: Problems) -> None:
    if not form.is_medical:
        return
    if JOBS.get(form.job) == "face":
        problems.add("age", "under 18 there is no face LoRA, only the repair of an ear.")
    elif CONSENT_BY.get(form.consent_by) == "subject":
        problems.add("consent_by", "under 18 the consent is the guardian's.")
